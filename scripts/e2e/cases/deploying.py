"""scripts/deploy-swarm.sh over what is there: it keeps what is as it should be, updates what is not, and loses nothing."""

import json

import kernel
from cases.published import get
from stack import NAME
from traffic import curl

DEPLOY, REMOVE = "scripts/deploy-swarm.sh", "scripts/remove-swarm.sh"


def deployed_again_a_stack_goes_on_as_it_is(stack):
    before = everything(stack)
    stack.script(DEPLOY)
    after = everything(stack)
    changed = [f"{what}: {before[what]} became {after[what]}" for what in before if before[what] != after[what]]
    assert not changed, "\n".join(changed)
    return ", ".join(f"{len(found)} {what}" for what, found in after.items()) + " as before"


def everything(stack):
    """What a deployment makes, task by task."""
    def read(*arguments):
        return sorted(stack.engine.lines(*arguments))
    services = stack.engine.inspect("service", *read("stack", "services", "--quiet", NAME))
    return {
        "tasks": read("stack", "ps", "--no-trunc", "--quiet", NAME),
        "containers": read("ps", "--quiet", "--filter", f"label=com.docker.stack.namespace={NAME}"),
        "services": [each["Spec"] for each in services],
        "networks": read("network", "ls", "--format", "{{.ID}} {{.Name}}"),
        "volumes": read("volume", "ls", "--quiet"),
        "secrets": read("secret", "ls", "--format", "{{.ID}} {{.Name}}"),
        "labels of the node": read("node", "inspect", "self", "--format", "{{json .Spec.Labels}}"),
    }


def deployed_again_only_what_differs_is_updated(stack):
    """An image that was built anew under its name, and a service that was given another image by hand."""
    steady = ("backend", "db", "portainer")
    before = {short: stack.containers(short) for short in steady}
    tag = wanted_image(stack, "nginx").rpartition(":")[2]
    edge, app = f"swarm-upload-nginx:{tag}", f"swarm-upload:{tag}"
    by_hand = "swarm-upload:next" if tag == "latest" else "swarm-upload:latest"
    stack.engine.run("build", "--quiet", "--tag", edge, "--label", "built=again", "-", input=f"FROM {edge}\n")
    stack.engine.run("service", "update", "--detach", "--no-resolve-image", "--image", by_hand, stack.service("frontend"))
    assert wanted_image(stack, "frontend") == by_hand
    stack.script(DEPLOY, "--no-build", "--tag", tag)
    edges = stack.engine.inspect("container", *stack.containers("nginx"))
    assert edges and all(each["Config"]["Labels"].get("built") == "again" for each in edges), edges
    frontends = {each["Config"]["Image"] for each in stack.engine.inspect("container", *stack.containers("frontend"))}
    assert frontends == {app}, frontends
    after = {short: stack.containers(short) for short in steady}
    assert before == after, f"{before} became {after}"
    return f"nginx runs the later {edge}, frontends {app} again, and {', '.join(steady)} ran on"


def wanted_image(stack, short):
    return stack.engine.inspect("service", stack.service(short))[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]


def uploads_outlive_their_swarm_and_the_password_that_it_kept(stack):
    content = "kept from one swarm to the next"
    said = curl(stack, "-X", "PUT", "-d", content, "http://tasks.nginx:8080/api/uploads/kept.txt")
    stack.script(REMOVE, "--yes", "--leave")
    assert not stack.engine.in_swarm()
    stack.script(DEPLOY, "--no-build", **kernel.publishing())
    status, body = get(8080, f"/api/uploads/{json.loads(said)['uploads'][0]['id']}/content")
    assert (status, body) == (200, content), (status, body)
    return "the stack and the swarm were removed; in a new swarm, with a new password, the file is there"
