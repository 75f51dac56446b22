# Runs the load, the scripts for users, and the stand-in for Portainer.
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends bash curl jq python3-minimal libpython3-stdlib
