"""scripts/remove-swarm.sh leaves nothing behind, and what it cannot reach is not forgotten."""

from cases.deploying import DEPLOY, REMOVE
from stack import NAME


def nothing_is_left_of_a_stack_that_is_removed(stack):
    before = belongings(stack)
    assert all(before.values()), before
    return remove(stack, before)


def what_the_tutorial_keeps_is_removed(stack):
    """It ends with a removal by hand, which spares the uploads and the password."""
    before = belongings(stack)
    assert before["volumes"] and before["secrets"] and not before["services"], before
    return remove(stack, before)


def remove(stack, before):
    stack.script(REMOVE, "--yes", "--volumes")
    after = belongings(stack)
    assert not any(after.values()), after
    return "gone: " + ", ".join(f"{len(found)} {what}" for what, found in before.items())


def belongings(stack):
    """What there is of the stack: {kind: names}."""
    def names(*arguments):
        found = stack.engine.lines(*arguments)
        return [name for name in found if name.startswith(NAME) or name in ("app_network", "db_network")]
    return {
        "services": names("service", "ls", "--format", "{{.Name}}"),
        "containers": names("ps", "--all", "--format", "{{.Names}}"),
        "networks": names("network", "ls", "--format", "{{.Name}}"),
        "volumes": names("volume", "ls", "--format", "{{.Name}}"),
        "secrets": names("secret", "ls", "--format", "{{.Name}}"),
    }


def no_empty_database_is_begun_while_there_is_one_elsewhere(stack):
    """A password without a volume, and no node that is marked: the node of the database has left the swarm."""
    stack.script(REMOVE, "--yes", "--volumes")
    node = stack.engine.read("info", "--format", "{{.Swarm.NodeID}}")
    stack.engine.run("node", "update", "--label-rm", "swarm-upload.db", node)
    stack.engine.run("secret", "create", f"{NAME}_db_password", "-", input="of the database that is elsewhere")
    said = stack.script(DEPLOY, "--prepare", expect=1)
    assert "no node is marked" in said, said
    labels = stack.engine.inspect("node", node)[0]["Spec"]["Labels"]
    assert not labels, labels
    stack.script(REMOVE, "--yes", "--volumes", "--leave")
    assert not stack.engine.in_swarm()
    return said
