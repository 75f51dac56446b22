# Stands in for rust:*-slim-trixie, with the toolchain and the crates of the machine that runs the test.
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates gcc libc6-dev
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/bin:/usr/bin:/bin
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY registry /usr/local/cargo/registry
COPY toolchain /usr/local
# Two versions of the program are built by it. Optimizing each thoroughly makes it quicker, not another, and takes minutes.
ENV CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
# What is written in C: SQLite, which no replica of a stack uses, and TLS, which the database there does without.
ENV CFLAGS=-O0
