# swarm-upload: both roles are this one image. `docker build -t swarm-upload:latest .`
# It needs no BuildKit, so that any engine builds it.
ARG RUST_VERSION=1.95

# The manifest without the version of the program, which is no reason to build the dependencies again.
FROM rust:${RUST_VERSION}-slim-trixie AS manifest
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
RUN sed -i '/^name = "swarm-upload"$/{n;s/^version = .*/version = "0.0.0"/}' Cargo.toml Cargo.lock

FROM rust:${RUST_VERSION}-slim-trixie AS build
WORKDIR /build
# The dependencies: a layer of their own, built again only when they change.
COPY --from=manifest /build/Cargo.toml /build/Cargo.lock ./
RUN mkdir -p src tests/chaos benches/hot \
 && echo 'fn main() {}' | tee src/main.rs tests/chaos/main.rs benches/hot/main.rs >src/lib.rs \
 && cargo build --locked --release
COPY Cargo.toml Cargo.lock build.rs ./
COPY migrations migrations
COPY src src
# cargo goes by the time of a file, and the sources may be older than the empty program that was built of them.
ARG GIT_REVISION
RUN find src build.rs -exec touch {} + \
 && cargo build --locked --release --bin swarm-upload

FROM gcr.io/distroless/cc-debian13:nonroot
ARG GIT_REVISION
LABEL org.opencontainers.image.title="swarm-upload" \
      org.opencontainers.image.description="An upload service that stays up while everything under it is killed, scaled and replaced." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${GIT_REVISION}"
COPY --from=build /build/target/release/swarm-upload /usr/local/bin/swarm-upload
USER nonroot
# What one thread has given back the others may use: with a heap for each, a third more is held under load (docs/PERFORMANCE.md).
ENV MALLOC_ARENA_MAX=1
EXPOSE 8000
# Liveness only, once the replica has been ready: a database that is away must not get replicas killed.
HEALTHCHECK --interval=2s --timeout=3s --start-period=60s --retries=3 CMD ["swarm-upload", "healthcheck"]
ENTRYPOINT ["swarm-upload"]
