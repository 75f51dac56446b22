# Runs the load, and the stand-in for Portainer.
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends python3-minimal libpython3-stdlib
