"""Provisional records as sites and hubs would say them, in two languages, each filled as far as it goes."""

from __future__ import annotations

from typing import Final

from protocol.clinical import AllergyState, Consciousness, Headline, Pregnancy, Sex, Vitals
from protocol.header import Priority
from protocol.ids import EntryId
from protocol.micro import MicroBundle, write_micro
from protocol.orders import Evacuation
from protocol.records import NewRecord
from protocol.reply_headline import FirstOrder, ReplyHeadline
from protocol.stamps import Certainty, Stamp

from .cases import CASE, MEDIC, PATIENT, WALL_S

ENTRY: Final = EntryId(bytes(range(100, 132)))
VITALS: Final = Vitals(
    observed_s=WALL_S - 240,
    heart_rate_min=124,
    respiratory_rate_min=26,
    spo2_percent=90,
    on_oxygen=True,
    systolic_mmhg=94,
    diastolic_mmhg=58,
    temperature_decicelsius=383,
    consciousness=Consciousness.ALERT,
    pain=7,
)


def headline(
    complaint: str, question: str, *, allergies: tuple[str, ...], treatments: tuple[str, ...]
) -> Headline:
    return Headline(
        urgency=Priority.EMERGENCY,
        complaint=complaint,
        age_years=47,
        sex=Sex.FEMALE,
        weight_hg=640,
        pregnancy=Pregnancy.NO,
        allergy_state=AllergyState.LISTED,
        allergies=allergies,
        news2=11,
        news2_missing=0,
        vitals=VITALS,
        treatments=treatments,
        question=question,
        photo_count=2,
        latitude_centidegrees=3_472,
        longitude_centidegrees=-4_018,
        eta_min=1_260,
    )


HEADLINES: Final = {
    "en": headline(
        "Fever and right-sided belly pain since yesterday, now rigid abdomen, "
        "vomited four times, cold hands, no urine today.",
        "Could the appendix have burst? Which antibiotic from our list first, "
        "how much fluid, and must we turn back to port?",
        allergies=("penicillin", "sulfa drugs"),
        treatments=("Ringer 500 ml IV", "paracetamol 1 g oral"),
    ),
    "ko": headline(
        "어제부터 열과 오른쪽 아랫배 통증, 지금은 배가 딱딱하고 네 번 구토, 손이 차가움",
        "충수염이 터진 걸까요? 어떤 항생제를 먼저 쓰고 수액은 얼마나 줄까요?",
        allergies=("페니실린", "설파제"),
        treatments=("링거액 500 ml IV", "파라세타몰 1 g"),
    ),
}
REPLIES: Final = {
    "en": ReplyHeadline(
        orders=(
            FirstOrder(
                number=1,
                name="Ceftriaxone",
                dose="2 g",
                route="IV",
                frequency="once a day",
                details_follow=True,
            ),
            FirstOrder(number=2, name="Metronidazole", dose="500 mg", route="IV", frequency="every 8 h"),
            FirstOrder(
                number=3,
                name="Ringer lactate",
                dose="1000 ml",
                route="IV",
                frequency="over 1 h, then 250 ml/h",
            ),
        ),
        orders_follow=2,
        stop_rule="Stop the fluid if breathing gets worse or the lungs crackle.",
        recheck_every_min=30,
        evacuation=Evacuation.NOW,
        assessment="Probable perforated appendix with sepsis.",
    ),
    "ko": ReplyHeadline(
        orders=(
            FirstOrder(
                number=1,
                name="세프트리악손",
                dose="2 g",
                route="IV",
                frequency="하루 한 번",
                details_follow=True,
            ),
            FirstOrder(number=2, name="메트로니다졸", dose="500 mg", route="IV", frequency="8시간마다"),
            FirstOrder(number=3, name="링거액", dose="1000 ml", route="IV", frequency="1시간 동안"),
        ),
        orders_follow=2,
        stop_rule="숨이 더 차거나 폐에서 소리가 나면 수액 중단",
        recheck_every_min=30,
        evacuation=Evacuation.NOW,
        assessment="충수 천공과 패혈증 의심",
    ),
}


def micro(new: NewRecord, counter: int = 17) -> MicroBundle:
    return write_micro(
        new,
        case_id=CASE,
        patient_id=PATIENT,
        author=MEDIC.actor,
        stamp=Stamp(counter, WALL_S, 540, Certainty.SYNCED),
        covers=ENTRY,
    )
