# Stands in for nginx:1.30 with Debian's own package of that release. A mirror may be a copy of some weeks ago.
FROM debian:trixie-slim
RUN cd /etc/apt && if [ -e sources.list ]; then sed 's/trixie/sid/g' sources.list >sources.list.d/sid.list; \
    else sed 's/trixie[^ ]*/sid/g' sources.list.d/debian.sources >sources.list.d/sid.sources; fi \
 && apt-get update -qq -o Acquire::Check-Valid-Until=false \
 && apt-get install -y -qq --no-install-recommends -t sid nginx curl \
 && groupadd --system --gid 101 nginx \
 && useradd --system --uid 101 --gid nginx --no-create-home nginx
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
