# Stands in for gcr.io/distroless/cc-debian13:nonroot: the same packages, without a shell or a package manager.
FROM debian:trixie-slim AS files
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates libgcc-s1 libgomp1 libssl3t64 libstdc++6 media-types netbase tzdata
RUN mkdir /root-of-image \
 && dpkg -L base-files ca-certificates libc6 libgcc-s1 libgomp1 libssl3t64 libstdc++6 media-types netbase tzdata \
  | grep -vE '^/(usr/share/(doc|man|bug|lintian|locale)|usr/s?bin)(/|$)' | sort -u >/files \
 && tar -c --no-recursion -T /files | tar -x -C /root-of-image \
 && cp -a /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ \
 && ln -sf usr/lib /root-of-image/lib && ln -sf usr/lib64 /root-of-image/lib64 \
 && mkdir -p /root-of-image/home/nonroot /root-of-image/tmp /root-of-image/proc /root-of-image/sys \
 && chmod 1777 /root-of-image/tmp && chown 65532:65532 /root-of-image/home/nonroot \
 && printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >/root-of-image/etc/passwd \
 && printf 'root:x:0:\nnonroot:x:65532:\n' >/root-of-image/etc/group
FROM scratch
COPY --from=files /root-of-image /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER nonroot
WORKDIR /home/nonroot
