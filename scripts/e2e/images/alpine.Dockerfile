# Stands in for alpine where the tutorial pings from it.
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends iputils-ping
