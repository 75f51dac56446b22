"""What this machine's kernel lacks, as variables of stack.yml and scripts/deploy-swarm.sh."""

import subprocess
from pathlib import Path


def encryption():
    """Encrypted where this kernel can encrypt an overlay network, that is, has ESP."""
    ends = ["src", "127.0.0.1", "dst", "127.0.0.1", "proto", "esp", "spi", "0x5eed"]
    key = ["aead", "rfc4106(gcm(aes))", "0x" + "00" * 20, "64"]
    can = subprocess.run(["ip", "xfrm", "state", "add", *ends, "mode", "transport", *key], capture_output=True).returncode == 0
    if can:
        subprocess.run(["ip", "xfrm", "state", "delete", *ends], check=True)
    else:
        print("The kernel has no ESP: the networks are not encrypted", flush=True)
    return {"OVERLAY_ENCRYPTED": "true" if can else "false"}


def publishing():
    """By the ingress network, as is the default, where this kernel has IPVS, which that needs. Docker has loaded the module
    once a stack has run."""
    if Path("/proc/net/ip_vs").exists():
        return {}
    print("The kernel has no IPVS: ports are published in host mode, by one nginx", flush=True)
    return {"PUBLISH_MODE": "host", "NGINX_REPLICAS": "1", "NGINX_UPDATE_ORDER": "stop-first"}
