"""The stack over three nodes: any node takes any request, and one that is lost takes nothing with it."""

import collections
import contextlib
import json
import time

import images
from logs import answered, upstreams
from stack import NAME
from traffic import Traffic, failures, resumes, show

SLOW = ("--only", "slow tus", "--copies", "4")

# How many tasks of each service there are.
WANTED = {"nginx": 3, "frontend": 3, "backend": 4}

# Stores a file through one nginx, reads it through another, and says who took part.
ROUND_TRIP = """
import hashlib, http.client, json, random, sys
def ask(host, method, path, body=None):
    edge = http.client.HTTPConnection(host, 8080, timeout=60)
    edge.request(method, path, body)
    answer = edge.getresponse()
    return answer, answer.read()
data = random.randbytes(20 << 20)
answer, body = ask(sys.argv[1], "PUT", "/api/uploads/nodes.bin", data)
record = json.loads(body)["uploads"][0]
through, read = ask(sys.argv[2], "GET", f"/api/uploads/{record['id']}/content")
_, whole = ask(sys.argv[2], "GET", f"/api/uploads/{record['id']}")
print(json.dumps({"same": read == data, "sha256": record["sha256"] == hashlib.sha256(data).hexdigest(),
                  "backends": sorted({part["backend_container_id"] for part in json.loads(whole)["segments"]})}))
"""


def where(nodes):
    """Every running container of the stack's three services: {id: (service, node, its address in app_network)}."""
    found = {}
    for node in nodes.nodes:
        for short in WANTED:
            for each in node.inspect("container", *node.containers_of(f"{NAME}_{short}")):
                address = each["NetworkSettings"]["Networks"]["app_network"]["IPAddress"]
                found[each["Id"][:12]] = (short, node.number, address)
    return found


def on(placed, short, number):
    return next(address for service, node, address in placed.values() if (service, node) == (short, number))


def each_service_is_spread_over_the_nodes(nodes, stack):
    placed = where(nodes)
    spread = {short: sorted(node for service, node, _ in placed.values() if service == short)
              for short in ("nginx", "frontend", "backend")}
    assert spread["nginx"] == spread["frontend"] == [1, 2, 3] and set(spread["backend"]) == {1, 2, 3}, spread
    return str(spread)


def what_is_uploaded_through_one_node_is_read_through_another(nodes, stack):
    placed = where(nodes)
    said = json.loads(nodes.manager.read(
        "run", "--rm", "--network", "app_network", images.PYTHON, "python3", "-c", ROUND_TRIP,
        on(placed, "nginx", 2), on(placed, "nginx", 3)))
    assert said["same"] and said["sha256"], said
    stored = sorted({placed[backend][1] for backend in said["backends"]})
    return f"20 MiB through node 2, read through node 3, stored by backends on nodes {stored}"


def uploads_outlive_a_worker_whose_link_is_cut(nodes, stack):
    try:
        return lose(nodes, stack, nodes.nodes[2], nodes.nodes[2].cut)
    finally:
        nodes.nodes[2].mend()
        stack.until("node 3 is back", 120, lambda: ready(nodes) == 3)


def uploads_outlive_a_worker_that_loses_power(nodes, stack):
    return lose(nodes, stack, nodes.nodes[1], nodes.nodes[1].kill)


def ready(nodes):
    return nodes.manager.lines("node", "ls", "--format", "{{.Status}}").count("Ready")


def lose(nodes, stack, lost, act):
    """Loses a worker under slow uploads, four by way of the nginx of each node. All have to end well: those that had
    nothing to do with the lost node without a resume, the others by resuming."""
    # A node that comes back ends its old tasks first.
    stack.until("what runs is what is wanted", 120, lambda: settled(nodes))
    placed = where(nodes)
    edges = {node: address for short, node, address in placed.values() if short == "nginx"}
    with contextlib.ExitStack() as started:
        def start(*hosts):
            traffic = Traffic(stack, "--host", *hosts, *SLOW, kinds={"slow tus"})
            started.callback(traffic.close)
            return traffic
        clients = [start(address) for node, address in edges.items() if node != lost.number]
        attached = start(edges[lost.number], "tasks.nginx")
        for client in (*clients, attached):
            client.wait_for_each_kind()
        gone = time.time()
        act()
        down = stack.until("the manager misses the node", 120, lambda: ready(nodes) == 2 and time.time() - gone)
        others = [outcome for client in clients for outcome in client.stop()]
        inside = attached.stop()
    alive = [node for node in nodes.nodes if node is not lost]
    by_others = set().union(*(answered(node) for node in alive))
    asked = collections.ChainMap(*(upstreams(node) for node in alive))
    assert any(each.get("id") in by_others for each in others), "the logs of the frontends have no request of the load"
    assert any(each.get("id") in asked for each in others), "the logs of nginx have no request of the load"
    edges_lost, frontends_lost = (
        {address for service, node, address in placed.values() if (service, node) == (short, lost.number)}
        for short in ("nginx", "frontend"))

    def met_it(request):
        return met(request, edges_lost, frontends_lost, asked, by_others)

    assert all(each["ok"] for each in others + inside if each["kind"] == "slow tus"), show(failures(others + inside))
    failed = [each for each in failures(others + inside) if each["kind"] != "slow tus"] + resumes(others + inside)
    assert all(met_it(each) for each in failed), show([each for each in failed if not met_it(each)])
    unattached = [each for each in during(others, gone) if not each["resumes"]]
    through_it = [each for each in during(others, gone) if each["resumes"]]
    inside = during(inside, gone)
    assert unattached and resumes(inside), (len(unattached), show(inside))
    longest = max(each["ended"] for each in unattached) - gone
    return (f"node {lost.number} was missed after {down:.0f} s; in flight then: {len(unattached)} uploads apart from it, no "
            f"failed request, the last of them complete {longest:.0f} s after the loss; {len(through_it)} by way of a frontend "
            f"on it, {len(resumes(through_it))} resumes; {len(inside)} by way of its nginx, {len(resumes(inside))} resumes; "
            "every digest right")


def met(request, edges_lost, frontends_lost, asked, answered_by_others):
    """Whether a request went to the nginx that was lost; or from another nginx on to the frontend that was lost, last of all,
    where it may be held still: then no log has it."""
    if request["id"] in asked:
        return bool(asked[request["id"]]) and asked[request["id"]][-1] in frontends_lost
    return request["edge"] in edges_lost or request["id"] not in answered_by_others


def settled(nodes):
    return collections.Counter(service for service, _, _ in where(nodes).values()) == WANTED


def during(outcomes, moment):
    """The uploads that were going on at that moment."""
    return [each for each in outcomes if each["kind"] == "slow tus" and each["begun"] < moment < each["ended"]]

