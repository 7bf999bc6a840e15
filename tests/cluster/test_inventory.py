"""cluster.yaml: what is good is taken as it is, what is not is told by file, line and field."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import InventoryError
from cluster.inventory import this_machine
from cluster.inventory_file import parse_inventory, read_inventory

GOOD = "nodes:\n- name: spark-1\n- name: spark-2\n"


def _refusal(text: str) -> str:
    with pytest.raises(InventoryError) as refused:
        parse_inventory(text, "cluster.yaml")
    return str(refused.value)


def test_names_are_all_an_inventory_needs() -> None:
    assert [node.name for node in parse_inventory(GOOD, "cluster.yaml").nodes] == ["spark-1", "spark-2"]


def test_what_is_left_out_has_the_defaults_of_the_playbook() -> None:
    inventory = parse_inventory(GOOD, "cluster.yaml")
    assert (inventory.image.base, inventory.rendezvous_port) == ("nvcr.io/nvidia/pytorch:25.10-py3", 29500)
    assert (inventory.ssh.accept_new, inventory.fabric.interfaces) == (False, "auto")


def test_an_image_has_the_name_that_it_is_given_or_one_for_its_base() -> None:
    named = parse_inventory(GOOD + "image:\n  name: mine:1\n", "cluster.yaml").image
    assert (named.reference, named.built) == ("mine:1", False)
    built = [parse_inventory(GOOD + f"image:\n  base: mine:{tag}\n", "cluster.yaml").image for tag in (1, 2)]
    assert all(image.built for image in built)
    assert built[0].reference.startswith("spark-runbook/training:3-")
    assert built[0].reference != built[1].reference


def test_the_first_node_is_manager_unless_another_says_so() -> None:
    assert parse_inventory(GOOD, "cluster.yaml").manager.name == "spark-1"
    assert parse_inventory(GOOD + "  role: manager\n", "cluster.yaml").manager.name == "spark-2"


def test_managers_are_spread_over_the_groups() -> None:
    text = "nodes:\n" + "".join(f"- {{name: n{one}, group: {'a' if one < 4 else 'b'}}}\n" for one in range(1, 7))
    assert [node.name for node in parse_inventory(text, "x").swarm_managers] == ["n1"]
    assert [node.name for node in parse_inventory(text + "managers: 3\n", "x").swarm_managers] == ["n1", "n4", "n2"]


def test_what_is_simulated_is_told_line_by_line() -> None:
    text = GOOD + "simulated:\n- the GPU\n- link: a veth pair\n"
    assert parse_inventory(text, "cluster.yaml").simulated_parts == ["the GPU", "link: a veth pair"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + "colour: red\n", "cluster.yaml:4: colour: unknown key"),
        (GOOD + "ssh:\n  usr: nvidia\n", "cluster.yaml:5: ssh.usr: unknown key"),
        (GOOD + "local: true\n", "cluster.yaml:4: local: unknown key"),
        (GOOD + "1: x\n", "cluster.yaml:4: 1: a key is text"),
        (GOOD + "yes: x\n", "cluster.yaml:4: yes: a key is text"),
        ("nodes:\n- name: a\n  port: http\n", "cluster.yaml:3: nodes[0].port: a whole number is expected"),
        ("nodes:\n- name: a\n  port: true\n", "cluster.yaml:3: nodes[0].port: a whole number is expected"),
        ("nodes:\n- name: a\n  port: 70000\n", "cluster.yaml:3: nodes[0].port: input should be less than or equal"),
        ("nodes:\n- name: 5\n", "cluster.yaml:2: nodes[0].name: text is expected"),
        ("nodes:\n- name: a b\n", "cluster.yaml:2: nodes[0].name: this has a character"),
        ("nodes:\n- name: a\n  user: 'x; reboot'\n", "cluster.yaml:3: nodes[0].user: this has a character"),
        ("nodes:\n- name: a\n  role: boss\n", "cluster.yaml:3: nodes[0].role: input should be 'manager' or 'worker'"),
        ("nodes:\n- address: 10.0.0.1\n", "cluster.yaml:2: nodes[0].name: missing"),
        ("nodes: spark-1\n", "cluster.yaml:1: nodes: a list is expected"),
        ("nodes:\n- spark-1\n", "cluster.yaml:2: nodes[0]: a mapping with keys and values is expected"),
        ("nodes: []\n", "cluster.yaml:1: nodes: it is empty"),
        (GOOD + "managers: 2\n", "cluster.yaml:4: managers: input should be 1, 3 or 5"),
        (
            GOOD + "managers: 3\n",
            "cluster.yaml:4: managers: so many managers take as many nodes",
        ),
        (GOOD + "image:\n  name: a\n  base: b\n", "cluster.yaml:4: image: an image is built from `base` or has"),
        (GOOD + "image:\n  archive: a.tar\n", "cluster.yaml:4: image: `archive` wants the `name`"),
        (
            GOOD + "image:\n  name: a@sha256:ab12\n  archive: a.tar\n",
            "cluster.yaml:4: image: `docker load` brings no digest back; beside",
        ),
        ("ssh: {}\n", "cluster.yaml:1: nodes: missing"),
        ("- spark-1\n", "cluster.yaml:1: a mapping is expected"),
        (GOOD + "ssh:\n", "cluster.yaml:4: ssh: a mapping with keys and values is expected"),
        (GOOD + "ssh:\n  accept_new: 1\n", "cluster.yaml:5: ssh.accept_new: true or false is expected"),
        (GOOD + "ssh:\n  connect_timeout_s: soon\n", "cluster.yaml:5: ssh.connect_timeout_s: a number is expected"),
        (GOOD + "ssh:\n  connect_timeout_s: '10'\n", "cluster.yaml:5: ssh.connect_timeout_s: a number is expected"),
        (GOOD + "ssh:\n  connect_timeout_s: true\n", "cluster.yaml:5: ssh.connect_timeout_s: a number is expected"),
        (GOOD + "ssh:\n  config: ~nobody9/x\n", "cluster.yaml:5: ssh.config: there is no home for the ~nobody9 of"),
        (GOOD + "fabric:\n  interfaces: enp1s0\n", "cluster.yaml:5: fabric.interfaces: input should be 'auto'"),
        (GOOD + "fabric:\n  interfaces: []\n", "cluster.yaml:5: fabric.interfaces: it is empty"),
        (GOOD + "fabric:\n  interfaces:\n  - a b\n", "cluster.yaml:6: fabric.interfaces[0]: this has a character"),
        (GOOD + "fabric:\n  subnets: [10.0.0.1/24]\n", "cluster.yaml:5: fabric.subnets[0]: input is not a valid IPv4"),
        (GOOD + "fabric:\n  subnets: [10.0.0.0/8, 10.1.0.0/16]\n", "cluster.yaml:5: fabric.subnets: 10.1.0.0/16 over"),
        (GOOD + "simulated: [5]\n", "cluster.yaml:4: simulated[0]: text is expected"),
        (GOOD + "mounts:\n- source: data\n  target: /data\n", "cluster.yaml:5: mounts[0].source: this has a character"),
    ],
)
def test_a_mistake_is_told_by_file_line_and_field(text: str, told: str) -> None:
    assert _refusal(text).startswith(told)


@pytest.mark.parametrize(("hostname", "name"), [("my_host.lan", "my-host"), ("_", "localhost"), ("a" * 64, "a" * 63)])
def test_this_machine_has_a_name_whatever_its_hostname(
    monkeypatch: pytest.MonkeyPatch, hostname: str, name: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: hostname)
    assert this_machine().manager.name == name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nodes:\n- name: a\n- name: a\n", "cluster.yaml:3: nodes[1].name: another node is called a, too"),
        (
            "nodes:\n- name: a\n  address: 10.0.0.1\n- name: b\n  address: 10.0.0.1\n",
            "cluster.yaml:5: nodes[1].address: another node is at 10.0.0.1 port 22, too",
        ),
        (
            "nodes:\n- name: a\n- name: b\n  address: a\n",
            "cluster.yaml:4: nodes[1].address: another node is at a port 22, too",
        ),
        (
            "nodes:\n- name: a\n  role: manager\n- name: b\n  role: manager\n",
            "cluster.yaml:5: nodes[1].role: a is manager already",
        ),
        ("nodes:\n- name: a\n- name: A\n", "cluster.yaml:3: nodes[1].name: another node is called a, too"),
    ],
)
def test_two_nodes_cannot_be_one(text: str, told: str) -> None:
    assert _refusal(text).startswith(told)


def test_a_worker_leads_nothing() -> None:
    text = "nodes:\n- {name: a, role: worker}\n- {name: b}\n- {name: c}\n- {name: d}\n"
    assert parse_inventory(text, "x").manager.name == "b"
    assert [node.name for node in parse_inventory(text + "managers: 3\n", "x").swarm_managers] == ["b", "c", "d"]
    assert _refusal("nodes:\n- {name: a, role: worker}\n").startswith("cluster.yaml:1: nodes: all of them are workers")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("workspace: /\n", "cluster.yaml:4: workspace: / is the system's"),
        ("workspace: /home/\n", "cluster.yaml:4: workspace: /home/ is the system's"),
        (
            "mounts:\n- {source: /a, target: /workspace/}\n",
            "cluster.yaml:5: mounts[0].target: the container has another",
        ),
        (
            "mounts:\n- {source: /a, target: /data}\n- {source: /b, target: //data/.}\n",
            "cluster.yaml:6: mounts[1].target: the container has another directory at //data/. already",
        ),
    ],
)
def test_directories_do_not_hide_each_other_nor_the_system(text: str, told: str) -> None:
    assert _refusal(GOOD + text).startswith(told)


def test_one_address_with_two_ports_is_two_nodes() -> None:
    text = "nodes:\n- {name: a, address: 127.0.0.1, port: 2201}\n- {name: b, address: 127.0.0.1, port: 2202}\n"
    assert len(parse_inventory(text, "cluster.yaml").nodes) == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty: list your nodes"),
        (b"# nothing but a comment\n", "is empty: list your nodes"),
        (b"nodes: \xff\xfe\n", "cannot be read: it is not UTF-8 text"),
    ],
)
def test_a_file_without_an_inventory_is_told_by_its_name(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(content)
    with pytest.raises(InventoryError) as refused:
        read_inventory(path)
    assert str(refused.value).startswith(f"{path} {told}")


def test_a_missing_file_and_a_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"none\.yaml does not exist: write it, or name another"):
        read_inventory(tmp_path / "none.yaml")
    with pytest.raises(InventoryError, match=r"cannot be read: Is a directory\.$"):
        read_inventory(tmp_path)


@given(st.text(alphabet=st.sampled_from("nodesame: -[]{}\n\t'\"!&*?|>#%@`0x1<=~,."), max_size=60))
def test_no_text_ends_in_anything_but_an_inventory_or_one_sentence(text: str) -> None:
    assert _told(text) in ("an inventory", "one sentence")


def _told(text: str) -> str:
    try:
        parse_inventory(text, "cluster.yaml")
    except InventoryError as error:
        said = str(error)
        return "one sentence" if said.startswith("cluster.yaml") and "\n" not in said else said
    return "an inventory"


def test_without_an_inventory_this_machine_is_the_cluster() -> None:
    inventory = this_machine()
    assert inventory.local
    assert [node.address for node in inventory.nodes] == ["localhost"]


def test_a_file_without_an_end_is_read_no_further_than_an_inventory_goes() -> None:
    with pytest.raises(InventoryError, match=r"/dev/zero cannot be read: it has more than 10,000,000 characters\."):
        read_inventory(Path("/dev/zero"))
