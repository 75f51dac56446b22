# Stands in for rust:*-slim-trixie, with the toolchain and the crates of the machine that runs the test.
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates gcc libc6-dev
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/bin:/usr/bin:/bin
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY registry /usr/local/cargo/registry
COPY toolchain /usr/local
COPY cargo.toml /usr/local/cargo/config.toml
