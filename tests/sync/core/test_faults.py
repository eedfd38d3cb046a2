"""Cuts at any byte, dead processes, restored backups, cloned cards: nothing acknowledged is lost or doubled.

One machine plays a hub and up to two nodes that began as one (a cloned card), with whatever faults Hypothesis
thinks of. At every moment at which a side gives up custody the other must hold the bundle; when the faults
are over, three contacts per node must bring everything everywhere, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol.header import Priority
from protocol.ids import BundleId
from protocol.ranges import RangeSet
from sync.core import Ending, LinkMemory
from sync.ports import Rank
from sync.stores import MemoryState, MemoryStore

from ..stores.contract import add, bundle_id_of, sealed_of
from .simulated_contact import Conditions, Contact, new_store, run_now

SIZES = st.sampled_from([1, 40, 700, 1024, 3000, 9000])
BYTES = st.integers(0, 14_000)
MOMENTS = st.floats(0, 8, allow_nan=False)


@dataclass(slots=True)
class Place:
    """One process with its disk."""

    store: MemoryStore
    saved: MemoryState | None = None
    memory: LinkMemory = field(default_factory=LinkMemory)


class Faults(RuleBasedStateMachine):
    """A hub and the nodes of one pair."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Place(new_store(1))
        self.nodes = [Place(new_store(2))]
        self.sizes: dict[BundleId, tuple[str, int]] = {}
        self.seed = 0

    # What people do.

    @rule(at_hub=st.booleans(), clone=st.booleans(), size=SIZES, urgency=st.integers(0, 3))
    def add_a_bundle(self, at_hub: bool, clone: bool, size: int, urgency: int) -> None:
        label = f"bundle {len(self.sizes)}"
        self.sizes[bundle_id_of(label)] = label, size
        place = self.hub if at_hub else self.nodes[-1 if clone else 0]
        run_now(add(place.store, label, size, priority=Priority(urgency), rank=Rank.TEXT))

    # What the link does.

    @rule(clone=st.booleans())
    def meet_undisturbed(self, clone: bool) -> None:
        self.contact(self.nodes[-1 if clone else 0])

    @rule(clone=st.booleans(), up=BYTES, down=BYTES, which=st.sampled_from(["up", "down", "both"]))
    def be_cut(self, clone: bool, up: int, down: int, which: str) -> None:
        self.contact(
            self.nodes[-1 if clone else 0],
            up=Conditions(cut_after_bytes=None if which == "down" else up),
            down=Conditions(rate_bit_s=88_000, cut_after_bytes=None if which == "up" else down),
        )

    @rule(clone=st.booleans(), moment=MOMENTS)
    def die_in_the_middle(self, clone: bool, moment: float) -> None:
        node = self.nodes[-1 if clone else 0]
        self.seed += 1
        Contact(
            node.store,
            self.hub.store,
            node_memory=node.memory,
            hub_memory=self.hub.memory,
            seed=self.seed,
        ).run(until=moment)
        node.memory, self.hub.memory = LinkMemory(), LinkMemory()

    # What happens to disks.

    @rule(at_hub=st.booleans(), clone=st.booleans())
    def save_a_backup(self, at_hub: bool, clone: bool) -> None:
        place = self.hub if at_hub else self.nodes[-1 if clone else 0]
        place.saved = place.store.snapshot()

    @rule(at_hub=st.booleans(), clone=st.booleans())
    def restore_the_backup(self, at_hub: bool, clone: bool) -> None:
        place = self.hub if at_hub else self.nodes[-1 if clone else 0]
        if place.saved is not None:
            place.store.restore(place.saved)
            place.memory = LinkMemory()

    @precondition(lambda self: len(self.nodes) == 1)
    @rule()
    def clone_the_node(self) -> None:
        clone = Place(new_store(3))
        clone.store.restore(self.nodes[0].store.snapshot())
        self.nodes.append(clone)

    # What must hold.

    @invariant()
    def whole_bundles_are_what_was_sealed_and_there_once(self) -> None:
        for place in (self.hub, *self.nodes):
            self.check_received(place.store)

    def teardown(self) -> None:
        for _ in range(2):
            for node in self.nodes:
                self.contact(node, undisturbed=True)
        # A twin's contact may have taught the hub to send again; each node has the last word once more.
        for node in self.nodes:
            self.contact(node, undisturbed=True)
            assert (
                run_now(node.store.outgoing(RangeSet())) == run_now(self.hub.store.outgoing(RangeSet())) == ()
            )
            for offer in node.store.all_offers():
                assert self.hub.store.holds(offer.bundle_id)
            for offer in self.hub.store.all_offers():
                assert node.store.holds(offer.bundle_id)
            for store in (node.store, self.hub.store):
                assert run_now(store.open_session()).foreign == (), "something was asked back in vain"

    # How.

    def contact(
        self,
        node: Place,
        *,
        up: Conditions | None = None,
        down: Conditions | None = None,
        undisturbed: bool = False,
    ) -> None:
        self.seed += 1
        contact = Contact(
            node.store,
            self.hub.store,
            up=up,
            down=down,
            node_memory=node.memory,
            hub_memory=self.hub.memory,
            seed=self.seed,
        ).run()
        for end in (contact.node, contact.hub):
            assert end.ended is not None
            assert end.session.finished
            expected = {Ending.DONE} if up is None and down is None else {Ending.DONE, Ending.LINK_LOST}
            assert end.ended.ending in expected, end.ended
        node.memory, self.hub.memory = contact.node.session.memory, contact.hub.session.memory
        self.check_received(node.store)
        self.check_received(self.hub.store)

    def check_received(self, store: MemoryStore) -> None:
        received = run_now(store.received_after(0, 10_000))
        ids = [bundle.offer.bundle_id for bundle in received]
        assert len(ids) == len(set(ids))
        for bundle in received:
            label, size = self.sizes[bundle.offer.bundle_id]
            assert bundle.sealed == sealed_of(label, size)


@given(
    node_is_restored=st.booleans(),
    steps=st.lists(
        st.one_of(
            st.just("add"), st.just("meet"), st.just("back up"), st.just("restore"), st.integers(0, 1500)
        ),
        max_size=30,
    ),
)
def test_what_a_restored_store_lost_is_either_known_to_it_or_promised_back(
    node_is_restored: bool, steps: list[str | int]
) -> None:
    """However often it is restored, and wherever contacts are cut: a number is a cut after so many bytes."""
    owner, holder = new_store(1), new_store(2)
    node, hub = (owner, holder) if node_is_restored else (holder, owner)
    backup, added = owner.snapshot(), 0
    for step in steps:
        match step:
            case "add":
                run_now(add(owner, f"bundle {added}", 100))
                added += 1
            case "back up":
                backup = owner.snapshot()
            case "restore":
                owner.restore(backup)
            case _:
                cut_after_bytes = step if isinstance(step, int) else None
                Contact(node, hub, up=Conditions(cut_after_bytes=cut_after_bytes)).run()
    for _ in range(2):
        Contact(node, hub).run()
    known = {offer.bundle_id for offer in owner.all_offers()}
    returning = {each.bundle_id for each in run_now(holder.to_return(9999))}
    held = {bundle_id_of(f"bundle {number}") for number in range(added)}
    assert {bundle_id for bundle_id in held if holder.holds(bundle_id)} <= known | returning


@given(
    cuts=st.lists(st.tuples(BYTES, BYTES, st.booleans()), max_size=6),
    up=st.lists(SIZES, max_size=5),
    down=st.lists(SIZES, max_size=5),
)
def test_no_series_of_cuts_makes_a_byte_be_received_twice(
    cuts: list[tuple[int, int, bool]], up: list[int], down: list[int]
) -> None:
    """Whether the process remembers what it sent, or is a new one each time."""
    node, hub = new_store(1), new_store(2)
    for number, size in enumerate(up):
        run_now(add(node, f"up {number}", size))
    for number, size in enumerate(down):
        run_now(add(hub, f"down {number}", size))
    memory = LinkMemory()
    for cut_up, cut_down, forgets in [*cuts, (10**6, 10**6, False)]:
        contact = Contact(
            node,
            hub,
            up=Conditions(cut_after_bytes=cut_up),
            down=Conditions(rate_bit_s=88_000, cut_after_bytes=cut_down),
            node_memory=memory,
        ).run()
        memory = LinkMemory() if forgets else contact.node.session.memory
        for end in (contact.node, contact.hub):
            assert end.session.counters.duplicate_bytes_received == 0
    assert len(run_now(hub.received_after(0, 99))) == len(up)
    assert len(run_now(node.received_after(0, 99))) == len(down)


TestFaults = Faults.TestCase
TestFaults.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)


def test_what_a_copied_card_had_begun_to_send_is_not_sent_again_under_its_new_number() -> None:
    state = Faults()
    state.clone_the_node()
    original, copy = state.nodes
    state.contact(copy)
    state.add_a_bundle(at_hub=False, clone=False, size=1, urgency=0)
    state.add_a_bundle(at_hub=False, clone=True, size=9000, urgency=0)
    state.contact(original)
    contact = Contact(
        copy.store,
        state.hub.store,
        node_memory=copy.memory,
        hub_memory=state.hub.memory,
        down=Conditions(rate_bit_s=88_000),
    ).run()
    for end in (contact.node, contact.hub):
        assert end.ended is not None
        assert end.ended.ending is Ending.DONE
    assert contact.hub.ended is not None
    received_bytes = contact.hub.ended.counters.payload_bytes_received
    assert received_bytes == 9000
