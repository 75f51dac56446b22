"""The ports of the machine itself answer, as users ask them."""

import http.client

import kernel
from traffic import Traffic, assert_nothing_failed, summary


def get(port, path):
    """The status and the text that this machine answers with."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def the_published_ports_answer_and_no_request_of_a_load_fails(stack):
    # That of the case before, if that has run: then this changes nothing.
    stack.script("scripts/deploy-swarm.sh", "--no-build", **kernel.publishing())
    # The stand-in answers with the services that it sees through the socket, and not with 200 if it cannot write to the volume.
    status, body = get(9000, "/")
    assert status == 200 and ("Portainer" in body or stack.service("nginx") in body), (status, body)
    with Traffic(stack, "--host", "127.0.0.1", network="host") as traffic:
        traffic.wait_for_more(100)
        outcomes = traffic.stop()
    assert_nothing_failed(outcomes)
    return f"port 8080: {summary(outcomes)}; port 9000: {body[:100]}"
