"""Two real sessions on a simulated link: what they move, what it costs, and how they end."""

from __future__ import annotations

import pytest

from protocol.header import Priority
from protocol.ids import Incarnation, SealTag
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet
from protocol.stamps import Certainty
from sync.core import (
    BundleProgress,
    BundleReceived,
    BundleSent,
    BundlesLost,
    Digest,
    Direction,
    Effect,
    EffectResult,
    Ending,
    Fenced,
    ForkSeen,
    LinkMemory,
    MarkReceipted,
    More,
    Open,
    PeerGreeted,
    PeerRefused,
    Read,
    ReceiptsMoved,
    SessionEnded,
)
from sync.core.memory import UNHEARD_MAX
from sync.core.patience import KEEPALIVE_MISSED_S, KEEPALIVE_S, SILENCE_S
from sync.performance import perform
from sync.ports import IncomingChunk, LinkProperties, LinkShape, Rank
from sync.stores import MemoryStore

from ..stores.contract import add, bundle_id_of, numbers, sealed_of
from .simulated_contact import WALL_S, Conditions, Contact, End, meet, new_store, run_now

NOTHING = RangeSet()
THIN = Conditions(rate_bit_s=2400, delay_s=0.75)


def pending(store: MemoryStore) -> list[int]:
    return [bundle.offer.sequence for bundle in run_now(store.outgoing(NOTHING))]


def received(store: MemoryStore) -> dict[bytes, bytes]:
    return {bundle.offer.bundle_id: bundle.sealed for bundle in run_now(store.received_after(0, 10_000))}


def duplicates(contact: Contact) -> int:
    return sum(end.session.counters.duplicate_bytes_received for end in (contact.node, contact.hub))


class Stores:
    """A node and a hub with a few bundles each."""

    def __init__(self, *, up: tuple[int, ...] = (), down: tuple[int, ...] = ()) -> None:
        self.node, self.hub = new_store(1), new_store(2)
        for number, size_bytes in enumerate(up):
            run_now(add(self.node, f"up {number}", size_bytes))
        for number, size_bytes in enumerate(down):
            run_now(add(self.hub, f"down {number}", size_bytes))
        self.up, self.down = up, down

    def check_all_arrived(self) -> None:
        for store, name, sizes in ((self.hub, "up", self.up), (self.node, "down", self.down)):
            labels = [f"{name} {number}" for number in range(len(sizes))]
            assert received(store) == {
                bundle_id_of(label): sealed_of(label, size) for label, size in zip(labels, sizes, strict=True)
            }
        assert pending(self.node) == pending(self.hub) == []


class TestMovingBundles:
    def test_everything_arrives_both_ways_once_and_custody_passes(self) -> None:
        stores = Stores(up=(300, 20_000, 1), down=(200, 5000))
        contact = meet(stores.node, stores.hub)
        stores.check_all_arrived()
        assert len(contact.node.events_of(BundleSent)) == len(contact.hub.events_of(BundleReceived)) == 3
        assert len(contact.hub.events_of(BundleSent)) == len(contact.node.events_of(BundleReceived)) == 2
        assert duplicates(contact) == 0
        counters = contact.node.session.counters
        assert (counters.bundles_sent, counters.bundles_received) == (3, 2)
        assert (counters.payload_bytes_sent, counters.payload_bytes_received) == (20_301, 5200)

    def test_the_first_flight_does_not_wait_for_the_hub(self) -> None:
        stores = Stores(up=(300,))
        contact = meet(stores.node, stores.hub, up=Conditions(delay_s=5), down=Conditions(delay_s=5))
        (arrived_at,) = contact.hub.times_of(BundleReceived)
        assert arrived_at < 5 + 0.25

    def test_the_hubs_first_flight_carries_its_bundles(self) -> None:
        stores = Stores(up=(300,), down=(200,))
        contact = meet(stores.node, stores.hub, up=Conditions(delay_s=5), down=Conditions(delay_s=5))
        (arrived_at,) = contact.node.times_of(BundleReceived)
        assert arrived_at < 10 + 0.5

    def test_a_small_bundle_is_one_frame(self) -> None:
        stores = Stores(up=(300,))
        contact = meet(stores.node, stores.hub)
        stores.check_all_arrived()
        hail_bytes, whole_bytes, idle_bytes, bye_bytes = 14, 19, 1, 1
        sent = contact.node.session.counters.frame_bytes_sent
        assert sent == hail_bytes + whole_bytes + 300 + idle_bytes + bye_bytes

    def test_a_small_bundle_that_is_cut_off_is_asked_about_before_it_is_sent_again(self) -> None:
        stores = Stores(up=(300,))
        Contact(stores.node, stores.hub, up=Conditions(cut_after_bytes=250)).run()
        Contact(stores.node, stores.hub, down=Conditions(cut_after_bytes=0)).run()
        contact = meet(stores.node, stores.hub)
        stores.check_all_arrived()
        assert duplicates(contact) == 0

    def test_the_most_urgent_goes_first_then_by_rank_then_by_number(self) -> None:
        stores = Stores()
        for label, priority, rank in (
            ("bulk", Priority.BULK, Rank.HEADLINE),
            ("photo", Priority.ROUTINE, Rank.STANDARD),
            ("note", Priority.ROUTINE, Rank.TEXT),
            ("second note", Priority.ROUTINE, Rank.TEXT),
            ("alarm", Priority.EMERGENCY, Rank.FULL),
        ):
            run_now(add(stores.node, label, 3000, priority=priority, rank=rank))
        contact = meet(stores.node, stores.hub)
        order = [event.offer.sequence for event in contact.hub.events_of(BundleReceived)]
        assert order == [5, 3, 4, 2, 1]

    @pytest.mark.parametrize("moment", [1.0, 2.5, 6.0, 20.0])
    def test_an_emergency_overtakes_a_half_sent_photo(self, moment: float) -> None:
        stores = Stores(up=(90_000,))
        contact = Contact(stores.node, stores.hub)
        alarm = add(stores.node, "alarm", 300, priority=Priority.EMERGENCY, rank=Rank.HEADLINE)
        contact.add_at(moment, contact.node, alarm)
        contact.run()
        first, second = contact.hub.times_of(BundleReceived)
        # At worst a window of the photo is under way, and the link's own delay.
        assert first - moment < 0.45 + 3.0
        assert second > first + 5
        assert received(stores.hub)[bundle_id_of("up 0")] == sealed_of("up 0", 90_000)

    def test_what_came_while_nothing_might_be_sent_is_looked_up_before_anything_goes(self) -> None:
        """A hub that went back to a backup waits for the node's account; an urgent bundle comes meanwhile."""
        stores = Stores(up=(500,))
        backup = stores.hub.snapshot()
        meet(stores.node, stores.hub)
        stores.hub.restore(backup)
        run_now(add(stores.hub, "dull", 300))
        contact = Contact(stores.node, stores.hub)
        contact.add_at(0.9, contact.hub, add(stores.hub, "urgent", 300, priority=Priority.URGENT))
        contact.run()
        read = [effect.sequence for effect in contact.hub.performed if isinstance(effect, Read)]
        urgent = next(offer for offer in stores.hub.all_offers() if offer.priority is Priority.URGENT)
        assert read[0] == urgent.sequence
        assert len(read) > 1

    def test_a_bundle_that_comes_while_custody_is_asked_is_not_overlooked(self) -> None:
        """The answer that is on its way is older than the bundle."""
        stores = Stores(up=(3000,))
        contact = Contact(stores.node, stores.hub)

        def add_behind_the_answer(end: End, effect: Effect) -> EffectResult | None:
            if not isinstance(effect, More) or stores.hub.holds(bundle_id_of("late")) or len(late) > 1:
                return None
            answer = run_now(perform(end.store, effect))
            late.append(run_now(add(end.store, "late", 60)))
            end.session.outgoing_changed(contact.now)
            return answer

        late: list[object] = []
        contact.before_effect = add_behind_the_answer
        contact.at(0.5, lambda: contact.node.session.outgoing_changed(contact.now))
        contact.run()
        assert late
        assert stores.hub.holds(bundle_id_of("late"))

    def test_both_sides_see_progress_in_durable_bytes(self) -> None:
        stores = Stores(up=(10_000,))
        contact = meet(stores.node, stores.hub)
        for end, direction in ((contact.node, Direction.SENDING), (contact.hub, Direction.RECEIVING)):
            progress = [event for event in end.events_of(BundleProgress) if event.direction is direction]
            durable = [event.durable_bytes for event in progress]
            assert durable == sorted(durable)
            assert 5 <= len(durable)
            # Of the last window nobody waits to hear: it is told of whole.
            assert durable[-1] > 7000

    def test_more_than_a_page_of_bundles(self) -> None:
        stores = Stores(up=(20,) * 600)
        contact = meet(stores.node, stores.hub, up=Conditions(rate_bit_s=1e6, delay_s=0.01))
        assert contact.node.session.counters.bundles_sent == 600
        stores.check_all_arrived()

    def test_what_custody_gave_up_meanwhile_is_passed_over(self) -> None:
        stores = Stores(up=(500, 500))
        contact = Contact(stores.node, stores.hub)
        contact.before_effect = lambda end, effect: (
            b"" if isinstance(effect, Read) and effect.sequence == 1 else None
        )
        contact.run()
        assert contact.node.ended is not None
        assert contact.node.ended.ending is Ending.DONE
        assert list(received(stores.hub)) == [bundle_id_of("up 1")]


class TestWhatItCosts:
    def test_a_sync_with_nothing_new_takes_sixty_bytes_of_frames_each_way(self) -> None:
        stores = Stores(up=(300,) * 40, down=(100,) * 30)
        meet(stores.node, stores.hub)
        contact = meet(stores.node, stores.hub)
        for end in (contact.node, contact.hub):
            assert end.session.counters.frame_bytes_sent <= 60
            assert end.session.counters.link_bytes_sent <= 120
        assert (
            contact.node.times_of(SessionEnded)[0] < 2 * 0.9 + 0.2
        )  # Two round trips, the last only says goodbye.

    def test_a_photo_costs_three_percent(self) -> None:
        idle, busy = Stores(), Stores(up=(20_000,))
        without = meet(idle.node, idle.hub).node.session.counters.link_bytes_sent
        with_photo = meet(busy.node, busy.hub).node.session.counters.link_bytes_sent
        assert with_photo - without - 20_000 <= 600

    def test_a_consult_on_the_slowest_link_is_near_its_bound(self) -> None:
        stores = Stores(up=(2000,), down=(200,))
        contact = meet(stores.node, stores.hub, up=THIN, down=THIN)
        bound_s = 2000 * 8 / 2400 + 1.5
        assert contact.node.times_of(BundleSent)[0] < bound_s * 1.1
        assert contact.node.times_of(BundleReceived)[0] < bound_s

    @pytest.mark.parametrize(
        ("rate_bit_s", "delay_s", "size_bytes", "share"),
        [
            (2400, 0.75, 20_000, 0.9),
            (22_000, 0.45, 100_000, 0.9),
            (64_000, 0.3, 100_000, 0.9),
            (1e6, 0.3, 2_000_000, 0.85),
        ],
    )
    def test_a_long_upload_fills_the_link(
        self, rate_bit_s: float, delay_s: float, size_bytes: int, share: float
    ) -> None:
        stores = Stores(up=(size_bytes,))
        conditions = Conditions(rate_bit_s=rate_bit_s, delay_s=delay_s)
        contact = meet(stores.node, stores.hub, up=conditions, down=conditions)
        bound_s = size_bytes * 8 / rate_bit_s + 2 * delay_s
        assert bound_s / contact.node.times_of(BundleSent)[0] > share

    def test_what_a_session_learnt_starts_the_next_one_at_full_rate(self) -> None:
        stores = Stores(up=(1_000_000,))
        fast = Conditions(rate_bit_s=1e6, delay_s=0.3)
        first = meet(stores.node, stores.hub, up=fast, down=fast)
        run_now(add(stores.node, "again", 1_000_000))
        second = meet(stores.node, stores.hub, up=fast, down=fast, node_memory=first.node.session.memory)
        assert second.node.times_of(BundleSent)[0] < first.node.times_of(BundleSent)[0] - 1


class TestCuts:
    """Whatever landed is not paid for again."""

    @pytest.mark.parametrize("cut_after_bytes", range(0, 21_500, 430))
    def test_a_cut_upload_goes_on_where_it_was(self, cut_after_bytes: int) -> None:
        stores = Stores(up=(300, 18_000), down=(200,))
        cut = Contact(stores.node, stores.hub, up=Conditions(cut_after_bytes=cut_after_bytes)).run()
        again = meet(stores.node, stores.hub, node_memory=cut.node.session.memory)
        stores.check_all_arrived()
        assert duplicates(again) == 0
        landed = cut.hub.session.counters.payload_bytes_received
        assert again.node.session.counters.payload_bytes_sent == 18_300 - landed

    @pytest.mark.parametrize("cut_after_bytes", range(0, 21_500, 430))
    def test_a_new_process_pays_nothing_twice_either(self, cut_after_bytes: int) -> None:
        stores = Stores(up=(300, 18_000))
        Contact(stores.node, stores.hub, up=Conditions(cut_after_bytes=cut_after_bytes)).run()
        again = meet(stores.node, stores.hub)
        stores.check_all_arrived()
        assert duplicates(again) == 0

    @pytest.mark.parametrize("moment", [0.1, 0.5, 0.95, 1.3, 2.0, 3.7, 5.0])
    def test_a_killed_node_pays_at_most_a_kilobyte_twice(self, moment: float) -> None:
        """A hub that dies with it forgets what it had not made durable; the link loses what was under way."""
        stores = Stores(up=(300, 18_000))
        Contact(stores.node, stores.hub).run(until=moment)
        again = meet(stores.node, stores.hub)
        stores.check_all_arrived()
        assert duplicates(again) <= 1024

    @pytest.mark.parametrize("cut_after_bytes", range(0, 900, 30))
    def test_a_lost_receipt_costs_no_bundle(self, cut_after_bytes: int) -> None:
        stores = Stores(up=(2000,), down=(400,))
        cut = Contact(
            stores.node, stores.hub, down=Conditions(rate_bit_s=88_000, cut_after_bytes=cut_after_bytes)
        ).run()
        again = meet(stores.node, stores.hub, node_memory=cut.node.session.memory)
        stores.check_all_arrived()
        assert duplicates(again) == 0

    @pytest.mark.parametrize("moment", [0.51, 0.6, 0.7, 0.9])
    def test_a_listener_sends_nothing_that_its_caller_says_it_holds(self, moment: float) -> None:
        """Custody takes it for missing until the cuts agreed, and mentions it when something is added."""
        node, hub = new_store(1), new_store(2)
        held = run_now(add(hub, "held", 400))
        run_now(node.persist([IncomingChunk(offer=held, offset=0, data=sealed_of("held", 400))]))
        contact = Contact(node, hub)
        contact.add_at(moment, contact.hub, add(hub, "new", 400))
        contact.run()
        reads = {effect.sequence for effect in contact.hub.performed if isinstance(effect, Read)}
        assert reads == {held.sequence + 1}
        assert run_now(hub.outgoing(RangeSet())) == ()

    def test_doubtful_bytes_wait_while_later_ones_go(self) -> None:
        stores = Stores(up=(60_000,))
        cut = Contact(stores.node, stores.hub, up=Conditions(cut_after_bytes=9000)).run()
        memory = cut.node.session.memory
        assert sum(len(unheard) for unheard in memory.unheard.values()) > 0
        again = meet(stores.node, stores.hub, node_memory=memory)
        first_read = next(effect for effect in again.node.performed if isinstance(effect, Read))
        (unheard,) = memory.unheard.values()
        assert first_read.offset >= unheard.spans[-1][1]

    def test_another_seal_starts_the_bundle_anew(self) -> None:
        stores = Stores(up=(8000,))
        Contact(stores.node, stores.hub, up=Conditions(cut_after_bytes=5000)).run()
        resealed = new_store(1)
        run_now(
            resealed.add(
                bundle_id=bundle_id_of("up 0"),
                priority=Priority.ROUTINE,
                rank=Rank.TEXT,
                recipient_key=b"k2",
                dwell_code=22,
                sealed=sealed_of("up 0, sealed again", 8100),
            )
        )
        meet(resealed, stores.hub)
        assert received(stores.hub) == {bundle_id_of("up 0"): sealed_of("up 0, sealed again", 8100)}


class TestRestoresAndClones:
    def test_a_restored_hub_gets_again_what_it_lost(self) -> None:
        stores = Stores(up=(500, 600))
        meet(stores.node, stores.hub)
        backup = stores.hub.snapshot()
        run_now(add(stores.node, "up 2", 700))
        meet(stores.node, stores.hub)
        stores.hub.restore(backup)
        contact = meet(stores.node, stores.hub)
        stores.up = (500, 600, 700)
        stores.check_all_arrived()
        assert contact.node.events_of(BundlesLost)[0].sequences == numbers(3)
        assert contact.node.events_of(ForkSeen) == []

    def test_a_restored_node_numbers_anew_and_nothing_is_confused(self) -> None:
        stores = Stores(up=(500,))
        meet(stores.node, stores.hub)
        backup = stores.node.snapshot()
        run_now(add(stores.node, "before", 700))
        meet(stores.node, stores.hub)
        stores.node.restore(backup)
        run_now(add(stores.node, "after", 800))
        contact = meet(stores.node, stores.hub)
        assert set(received(stores.hub)) == {bundle_id_of(label) for label in ("up 0", "before", "after")}
        (fork,) = contact.node.events_of(ForkSeen)
        assert fork.ours
        assert "restored" in fork.reason
        assert pending(stores.node) == []

    def test_a_restored_node_that_sent_nothing_since_is_noticed_by_both(self) -> None:
        stores = Stores(up=(500,))
        backup = stores.node.snapshot()
        meet(stores.node, stores.hub)
        run_now(add(stores.node, "before", 700))
        meet(stores.node, stores.hub)
        stores.node.restore(backup)
        contact = meet(stores.node, stores.hub)
        assert [event.ours for event in contact.node.events_of(ForkSeen)] == [True]
        assert [event.ours for event in contact.hub.events_of(ForkSeen)] == [False]
        assert stores.node.snapshot().renewals != []

    def test_the_twin_of_a_cloned_card_is_found_to_the_number(self) -> None:
        stores = Stores(up=(100,) * 20)
        twin = new_store(3)
        twin.restore(stores.node.snapshot())
        meet(stores.node, stores.hub)
        for number in range(20, 26):
            run_now(add(stores.node, f"up {number}", 200))
            run_now(add(twin, f"twin {number}", 200))
        meet(stores.node, stores.hub)
        contact = meet(twin, stores.hub)
        labels = [f"up {number}" for number in range(26)] + [f"twin {number}" for number in range(20, 26)]
        assert set(received(stores.hub)) == {bundle_id_of(label) for label in labels}
        (fork,) = contact.node.events_of(ForkSeen)
        assert "copied" in fork.reason
        # The hub knew the common twenty by their numbers: only the twin's own were sent in full.
        assert contact.hub.session.counters.bundles_received == 6
        assert meet(stores.node, stores.hub).hub.session.counters.payload_bytes_received == 0

    def test_a_hub_reply_reaches_both_copies(self) -> None:
        stores = Stores(down=(200,))
        twin = new_store(3)
        twin.restore(stores.node.snapshot())
        meet(stores.node, stores.hub)
        meet(twin, stores.hub)
        run_now(add(stores.hub, "reply", 250))
        meet(stores.node, stores.hub)
        meet(twin, stores.hub)
        for store in (stores.node, twin):
            assert set(received(store)) == {bundle_id_of("down 0"), bundle_id_of("reply")}

    def test_what_a_hub_lost_of_a_former_incarnation_comes_again(self) -> None:
        stores = Stores(up=(500, 600))
        empty = stores.hub.snapshot()
        meet(stores.node, stores.hub)
        run_now(stores.node.renew_incarnation("for the test"))
        meet(stores.node, stores.hub)
        stores.hub.restore(empty)
        meet(stores.node, stores.hub)
        stores.check_all_arrived()

    def test_a_forked_number_is_kept_beside_the_first(self) -> None:
        """A twin's first flight goes out before it can know: both are kept, then it numbers anew."""
        stores = Stores()
        twin = new_store(3)
        twin.restore(stores.node.snapshot())
        run_now(add(stores.node, "up 0", 100))
        run_now(add(twin, "twin", 100))
        meet(stores.node, stores.hub)
        contact = meet(twin, stores.hub)
        assert set(received(stores.hub)) == {bundle_id_of("up 0"), bundle_id_of("twin")}
        assert pending(twin) == []
        assert len(contact.hub.events_of(BundleReceived)) == 1

    def test_a_stream_with_more_holes_than_a_frame_lists_is_no_fork(self) -> None:
        """As when hundreds of photographs wait while the notes between them have arrived."""
        stores = Stores(up=(1,) * (2 * RANGES_MAX + 40))
        for number in range(1, len(stores.up) + 1, 2):
            chunk = run_now(stores.node.read(number, 0, 1))
            (offer,) = stores.node.own_offers(numbers(number))
            run_now(stores.hub.persist([IncomingChunk(offer=offer, offset=0, data=chunk)]))
        contact = Contact(stores.node, stores.hub, up=Conditions(rate_bit_s=1e7, delay_s=0.01)).run()
        assert not contact.node.events_of(ForkSeen)
        assert not contact.node.events_of(BundlesLost)
        stores.check_all_arrived()
        again = meet(stores.node, stores.hub)
        assert again.node.session.counters.payload_bytes_sent == 0

    def test_a_hub_that_lost_everything_and_a_node_with_many_streams_agree_again(self) -> None:
        stores = Stores()
        for life in range(4):
            run_now(add(stores.node, f"up {life}", 100 + life))
            meet(stores.node, stores.hub)
            run_now(stores.node.renew_incarnation("for the test"))
        stores.hub.restore(new_store(9).snapshot())
        meet(stores.node, stores.hub)
        assert len(received(stores.hub)) == 4


class TestEnds:
    def test_a_silent_peer_ends_the_session(self) -> None:
        stores = Stores(up=(500,))
        contact = Contact(stores.node, stores.hub, down=Conditions(delay_s=10**6)).run(until=1000)
        assert contact.node.ended is not None
        assert contact.node.ended.ending is Ending.PEER_SILENT
        (ended_at,) = contact.node.times_of(SessionEnded)
        assert SILENCE_S <= ended_at < SILENCE_S + 5

    def test_a_session_that_stays_open_pushes_at_once_both_ways(self) -> None:
        stores = Stores()
        contact = Contact(stores.node, stores.hub, stays_open=True)
        contact.add_at(1000.0, contact.node, add(stores.node, "up 0", 200))
        contact.add_at(2000.0, contact.hub, add(stores.hub, "down 0", 200))
        contact.run(until=2100)
        stores.up = stores.down = (200,)
        stores.check_all_arrived()
        assert contact.hub.times_of(BundleReceived)[0] < 1001
        assert contact.node.times_of(BundleReceived)[0] < 2001
        assert contact.node.ended is None

    def test_a_session_kept_open_shows_signs_of_life_and_notices_their_absence(self) -> None:
        stores = Stores()
        contact = Contact(stores.node, stores.hub, stays_open=True)
        contact.run(until=10 * KEEPALIVE_S)
        assert contact.node.ended is contact.hub.ended is None
        assert contact.node.session.counters.frame_bytes_sent < 100
        contact.node.conditions = Conditions(delay_s=10**6)
        contact.run(until=10 * KEEPALIVE_S + 2 * KEEPALIVE_MISSED_S)
        assert contact.hub.ended is not None
        assert contact.hub.ended.ending is Ending.PEER_SILENT

    @pytest.mark.parametrize("by_node", [True, False])
    def test_either_side_may_part_early_and_nothing_is_lost(self, by_node: bool) -> None:
        stores = Stores(up=(50_000,))
        contact = Contact(stores.node, stores.hub)
        end = contact.node if by_node else contact.hub

        def part() -> None:
            end.session.part("the window closes", contact.now)
            contact._settle(end)

        contact.at(5.0, part)
        contact.run()
        for each in (contact.node, contact.hub):
            assert each.ended is not None
            assert each.ended.ending is Ending.PARTED
            assert each.times_of(SessionEnded)[0] < 5 + 3
        assert end.ended is not None
        assert end.ended.reason == "the window closes"
        again = meet(stores.node, stores.hub)
        assert duplicates(again) <= 4096
        stores.check_all_arrived()

    def test_parting_before_the_peer_spoke_says_nothing(self) -> None:
        stores = Stores(up=(500,))
        contact = Contact(stores.node, stores.hub)
        contact.node.session.part("changed my mind", 0.0)
        contact.run()
        assert contact.node.ended is not None
        assert contact.node.ended.ending is Ending.PARTED
        assert contact.hub.session.counters.link_bytes_received == 0

    def test_a_fenced_session_ends_and_changes_nothing(self) -> None:
        stores = Stores(up=(500,))
        contact = Contact(stores.node, stores.hub)
        contact.before_effect = lambda end, effect: (
            Fenced() if isinstance(effect, Open) and end is contact.hub else None
        )
        contact.run()
        assert contact.hub.ended is not None
        assert contact.hub.ended.ending is Ending.FENCED
        assert received(stores.hub) == {}

    def test_a_full_hub_refuses_one_bundle_and_takes_the_rest(self) -> None:
        stores = Stores(up=(300, 5000, 200))
        stores.hub = new_store(2, received_bytes_max=1000)
        contact = meet(stores.node, stores.hub)
        assert set(received(stores.hub)) == {bundle_id_of("up 0"), bundle_id_of("up 2")}
        (refused,) = contact.node.events_of(PeerRefused)
        assert refused.offer.sequence == 2
        assert pending(stores.node) == [2]
        assert stores.node.snapshot().sent[refused.offer.incarnation, 2].refusal == "no room"

    def test_bytes_that_do_not_match_their_seal_are_refused_and_dropped(self) -> None:
        stores = Stores(up=(3000, 100))
        contact = Contact(stores.node, stores.hub)
        contact.before_effect = lambda end, effect: (
            bytes(effect.size_bytes) if isinstance(effect, Read) and effect.sequence == 1 else None
        )
        contact.run()
        assert set(received(stores.hub)) == {bundle_id_of("up 1")}
        assert run_now(stores.hub.open_session()).partials == ()
        assert len(contact.node.events_of(PeerRefused)) == 1
        meet(stores.node, stores.hub)
        stores.check_all_arrived()

    def test_damaged_bytes_of_a_small_bundle_are_refused_too(self) -> None:
        stores = Stores(up=(300,))
        contact = Contact(stores.node, stores.hub)
        contact.before_effect = lambda end, effect: bytes(300) if isinstance(effect, Read) else None
        contact.run()
        assert received(stores.hub) == {}
        assert len(contact.node.events_of(PeerRefused)) == 1
        meet(stores.node, stores.hub)
        stores.check_all_arrived()


class TestWhatIsTold:
    def test_the_peers_greeting_carries_its_clock(self) -> None:
        stores = Stores()
        contact = meet(stores.node, stores.hub)
        (greeted,) = contact.hub.events_of(PeerGreeted)
        assert (greeted.wall_s, greeted.certainty, greeted.generation) == (WALL_S, Certainty.SYNCED, 1)

    def test_receipts_move_in_runs(self) -> None:
        stores = Stores(up=(100, 100))
        contact = meet(stores.node, stores.hub)
        moved = RangeSet.of(
            span for event in contact.node.events_of(ReceiptsMoved) for span in event.sequences.spans
        )
        assert moved == numbers(1, 2)

    def test_sending_is_noted_before_the_first_byte_leaves(self) -> None:
        stores = Stores(up=(100,))
        contact = Contact(stores.node, stores.hub)
        contact.run(until=0.0)
        kinds = [type(effect).__name__ for effect in contact.node.performed]
        assert kinds == ["Open", "MarkReceipted", "Read"]
        assert contact.node.performed[1] == MarkReceipted(1, NOTHING)

    def test_a_new_store_asks_for_no_digest(self) -> None:
        stores = Stores()
        contact = meet(stores.node, stores.hub)
        assert not [effect for effect in contact.node.performed if isinstance(effect, Digest)]

    def test_memory_never_grows_without_bound(self) -> None:
        life, tag = Incarnation(b"life"), SealTag(b"tag!")
        memory = LinkMemory()
        for start in (0, 1000, 2000):
            unheard = {(life, start + index, tag): NOTHING for index in range(1000)}
            memory = memory.after(1.0, 1.0, unheard)
        assert len(memory.unheard) == UNHEARD_MAX
        assert max(sequence for _, sequence, _ in memory.unheard) == 2999

    def test_what_a_link_declares_counts_until_something_was_measured(self) -> None:
        link = LinkProperties(
            name="test",
            shape=LinkShape.STREAM,
            unit_bytes_max=None,
            full_duplex=True,
            ordered=True,
            rate_bit_s_guess=22_000,
            rtt_s_guess=0.9,
        )
        assert LinkMemory().or_guess(link) == LinkMemory(2750, 0.9)
        assert LinkMemory(100.0, 2.0).or_guess(link) == LinkMemory(100.0, 2.0)
