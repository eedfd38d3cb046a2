"""One afternoon at a site, as views: a chest pain answered, a burn on its way, a rash still in draft."""

from __future__ import annotations

from sfnode.views import (
    AlarmView,
    CaseRow,
    CaseView,
    ContingencyView,
    HubView,
    LayerView,
    LinkPriceView,
    OrderView,
    PhotoView,
    PlanView,
    PriceView,
    ReplyView,
    StatusView,
    TransferView,
    VitalsView,
)

NOW_S = 1_795_383_720
"""22 November 2026, 21:42 UTC."""
CHEST, BURN, RASH = "c1" * 10, "b2" * 10, "a3" * 10
REPLY = "77" * 16
HUBS = tuple(
    HubView(
        name=name,
        organisation="Example Health",
        home=name == "Duty desk",
        enrolled_s=NOW_S - 86_400,
        links=(name,),
        link=f"up, {name}",
        link_up=True,
        unsent_count=0,
        unsent_bytes=0,
        last_contact_s=NOW_S - 30,
    )
    for name in ("Duty desk", "Burns centre")
)
PRICE = PriceView(
    draft=True,
    size_bytes=47_000,
    links=(
        LinkPriceView(
            link="certus-100",
            bytes=49_000,
            seconds=39.0,
            usd=0.27,
            basis="22 kbit/s, measured in 5 contacts",
            held=None,
        ),
    ),
    bundles=(),
)


def status(**changes: object) -> StatusView:
    values: dict[str, object] = {
        "site": "MV EXAMPLE",
        "hub": "hub.example",
        "vault": "unlocked",
        "link": "up, certus-100",
        "link_up": True,
        "unsent_count": 3,
        "unsent_bytes": 41_200,
        "unread_replies": 1,
        "alarms": 0,
        "spent_usd": 4.1,
        "bytes_up": 61_240,
        "bytes_down": 8_112,
        "last_contact_s": NOW_S - 30,
    }
    return StatusView(**{**values, **changes})  # type: ignore[arg-type]  # built from a table of fields


def rows() -> tuple[CaseRow, ...]:
    return (
        CaseRow(
            case=CHEST,
            short="C-7K2M",
            patient="P-0917 54 M",
            complaint="Chest pain for two hours, pressing",
            urgency="EMER",
            news2=7,
            news2_partial=False,
            state="ANSWERED",
            needs_you="reply unread",
            changed_s=NOW_S - 240,
        ),
        CaseRow(
            case=BURN,
            short="C-3QX8",
            patient="P-0920 41 F",
            complaint="Steam burn, right hand and forearm",
            urgency="URG",
            news2=3,
            news2_partial=True,
            state="going (2 of 5)",
            needs_you=None,
            changed_s=NOW_S - 3120,
        ),
        CaseRow(
            case=RASH,
            short="C-M41T",
            patient="P-0911 28 M",
            complaint="Rash on both arms",
            urgency="ROUT",
            news2=None,
            news2_partial=False,
            state="draft",
            needs_you=None,
            changed_s=NOW_S - 2 * 86_400,
        ),
    )


def many_rows(count: int) -> tuple[CaseRow, ...]:
    first = rows()[1]
    return tuple(
        CaseRow(
            case=f"{number:020x}",
            short=f"C-{number:04d}",
            patient=f"P-{number:04d} {20 + number % 60} F",
            complaint=f"Complaint number {number}",
            urgency=("EMER", "URG", "ROUT")[number % 3],
            news2=number % 12,
            news2_partial=False,
            state=first.state,
            needs_you=None,
            changed_s=NOW_S - number * 60,
        )
        for number in range(count)
    )


def vitals(minutes_ago: int, **changes: object) -> VitalsView:
    values: dict[str, object] = {
        "record": f"{minutes_ago:032x}",
        "observed_s": NOW_S - minutes_ago * 60,
        "heart_rate_min": 118,
        "respiratory_rate_min": 22,
        "spo2_percent": 93,
        "on_oxygen": False,
        "systolic_mmhg": 104,
        "diastolic_mmhg": 66,
        "temperature_c": "37.2",
        "consciousness": "A",
        "glasgow_coma": 15,
        "pain": 7,
        "glucose_mmol_l": None,
        "news2": 7,
        "news2_text": "NEWS2 7 HIGH",
    }
    return VitalsView(**{**values, **changes})  # type: ignore[arg-type]  # built from a table of fields


def order(number: int, text: str, **changes: object) -> OrderView:
    values: dict[str, object] = {
        "reply": REPLY,
        "number": number,
        "text": text,
        "aboard": "aboard: 40 of list 3",
        "read_back": False,
        "status": "open",
        "status_by": "",
        "mismatch": None,
    }
    return OrderView(**{**values, **changes})  # type: ignore[arg-type]  # built from a table of fields


def reply(**changes: object) -> ReplyView:
    values: dict[str, object] = {
        "reply": REPLY,
        "author": "Specialist on duty",
        "written_s": NOW_S - 600,
        "received_s": NOW_S - 240,
        "provisional": False,
        "assessment": "Probable acute coronary syndrome: inferior ST elevation on the photographed tracing. "
        "Keep him lying half upright and at rest.",
        "certainty": "probable",
        "orders": (
            order(1, "Aspirin 300 mg tablet: 300 mg, by mouth, once, chewed"),
            order(
                2,
                "Morphine 10 mg/ml ampoule: 2.5 mg, into the vein, slowly, again in 10 min if pain above 4",
                aboard="aboard: 6 of list 3",
                read_back=True,
            ),
            order(3, "Oxygen: 10 l/min, by mask, only if SpO2 is below 90 %", aboard=""),
            order(
                4,
                "Clopidogrel 300 mg, by mouth, once",
                aboard="NOT ON LIST 3: ask, substitute, or at next port",
            ),
        ),
        "contingencies": (
            ContingencyView(
                number=1,
                text="if SpO2 below 90 %: give oxygen 10 l/min (order 3)",
                watched=True,
                state="watched only when values are entered",
            ),
            ContingencyView(
                number=2,
                text="if systolic pressure below 90 mmHg: lie flat, legs up, no morphine",
                watched=True,
                state="watched only when values are entered",
            ),
        ),
        "recheck_every_min": 15,
        "recheck_due_s": NOW_S + 660,
        "stop_rule": "Breathing below 10 a minute, or he cannot be woken: no more morphine, call at once.",
        "evacuation": "PREPARE",
        "valid_until": "valid for 5 h 50 min more",
        "follow_up": "Vital signs every 15 min; a new tracing in one hour.",
        "superseded": False,
    }
    return ReplyView(**{**values, **changes})  # type: ignore[arg-type]  # built from a table of fields


def plan(**changes: object) -> PlanView:
    values: dict[str, object] = {
        "case": CHEST,
        "replies": (reply(),),
        "advice": (),
        "written_before": (),
        "accepted_by": None,
        "headline": "Reply from Specialist on duty, 21:32Z",
    }
    return PlanView(**{**values, **changes})  # type: ignore[arg-type]  # built from a table of fields


def transfers() -> tuple[TransferView, ...]:
    def one(what: str, case: str, size: int, done: int, state: str, **more: object) -> TransferView:
        values: dict[str, object] = {"eta_s": None, "stored_s": None, "usd": None, **more}
        return TransferView(
            what=what,
            case=case,
            direction="up",
            size_bytes=size,
            done_bytes=done,
            state=state,
            **values,  # type: ignore[arg-type]  # built from a table of fields
        )

    return (
        one("headline", BURN, 312, 312, "stored at hub", stored_s=NOW_S - 300, usd=0.01),
        one("text", BURN, 1_890, 1_890, "stored at hub", stored_s=NOW_S - 240, usd=0.01),
        one("preview: right hand", BURN, 3_410, 3_410, "stored at hub", stored_s=NOW_S - 200, usd=0.02),
        one("standard: right hand", BURN, 19_800, 8_400, "going", eta_s=37.2, usd=0.11),
        one("standard: forearm", BURN, 21_400, 0, "waiting for link", usd=0.12),
    )


def chest(**changes: object) -> CaseView:
    values: dict[str, object] = {
        "row": rows()[0],
        "question": "Is this a heart attack? May I give morphine, and do we turn for port?",
        "allergies": "none known",
        "weight": "82.5 kg measured",
        "pregnancy": "not applicable",
        "medicines": ("amlodipine 5 mg daily",),
        "history": ("high blood pressure", "smoker, 20 a day"),
        "notes": (
            "en: Sudden pressing pain behind the breastbone at 19:40, into the left arm. Sweating, grey.",
        ),
        "treatments": ("20:10Z glyceryl trinitrate 0.4 mg under the tongue: pain 8 to 7",),
        "vitals": (
            vitals(95, heart_rate_min=104, news2=4, news2_text="NEWS2 4 LOW"),
            vitals(60, heart_rate_min=110, news2=5, news2_text="NEWS2 5 MEDIUM"),
            vitals(35),
            vitals(12, spo2_percent=92, pain=6),
        ),
        "photos": (
            PhotoView(
                record="ee" * 16,
                caption="Paper ECG, 12 leads, 20:25",
                layers=(
                    LayerView(layer="preview", size_bytes=3_120, blob="aa" * 16),
                    LayerView(layer="standard", size_bytes=19_400, blob="bb" * 16),
                ),
                metadata_removed=True,
            ),
        ),
        "plan": plan(),
        "transfers": (),
        "not_understood": (),
    }
    return CaseView(**{**values, **changes})  # type: ignore[arg-type]  # built from a table of fields


def burn() -> CaseView:
    return chest(
        row=rows()[1],
        question="Is the pale patch at the wrist deep, and what dressing?",
        allergies="sulfonamides (rash), latex",
        weight="67 kg estimated",
        pregnancy="NOT ASKED",
        medicines=("levothyroxine 75 mcg daily",),
        history=(),
        notes=("en: Flange gasket failed 50 min ago. Cooled under running water for 25 min.",),
        treatments=(),
        vitals=(
            vitals(20, news2=3, news2_text="NEWS2 at least 3 (temperature not measured)", temperature_c=None),
        ),
        photos=(),
        plan=plan(
            case=BURN, replies=(), headline="No reply yet: headline stored at hub 21:37Z, 2 of 5 going"
        ),
        transfers=transfers(),
    )


def rash() -> CaseView:
    return chest(
        row=rows()[2],
        question="",
        allergies="NOT ASKED",
        weight="NOT KNOWN",
        medicines=(),
        history=(),
        notes=(),
        treatments=(),
        vitals=(),
        photos=(),
        plan=plan(case=RASH, replies=(), headline="No reply yet: not sent"),
    )


def alarm(number: int = 1, **changes: object) -> AlarmView:
    values: dict[str, object] = {
        "alarm": number,
        "case": CHEST,
        "severity": "emergency",
        "text": 'SpO2 84 % crossed "below 90 %": give oxygen 10 l/min (order 3)',
        "since_s": NOW_S - 60,
        "acknowledged_by": None,
    }
    return AlarmView(**{**values, **changes})  # type: ignore[arg-type]  # built from a table of fields


TEMPLATES: list[dict[str, object]] = [
    {
        "name": "chest-pain",
        "title": "Chest pain",
        "version": 1,
        "fields": [
            {"key": "complaint", "label": "Main complaint", "kind": "text", "required": True, "choices": []},
            {"key": "question", "label": "Question to the specialist", "kind": "text", "required": True},
            {"key": "age", "label": "Age", "kind": "number", "required": True},
            {
                "key": "sex",
                "label": "Sex",
                "kind": "choice",
                "required": True,
                "choices": ["f", "m", "o", "u"],
            },
            {"key": "allergies", "label": "Allergies (or none known)", "kind": "list", "required": True},
            {"key": "vitals", "label": "A set of vital signs", "kind": "vitals", "required": True},
            {"key": "onset", "label": "When it began", "kind": "moment", "required": False},
            {
                "key": "character",
                "label": "Character",
                "kind": "choice",
                "choices": ["pressing", "burning", "other"],
            },
            {"key": "worse_or_better", "label": "Worse or better with", "kind": "text"},
            {
                "key": "risk_factors",
                "label": "Smoking, diabetes, pressure, cholesterol, family",
                "kind": "text",
                "required": False,
            },
            {"key": "ecg", "label": "Photograph of the 12-lead ECG", "kind": "photo", "required": False},
            {"key": "medicines", "label": "Current medicines", "kind": "list", "required": False},
            {"key": "weight", "label": "Weight", "kind": "number", "required": False},
            {
                "key": "pregnancy",
                "label": "Pregnancy",
                "kind": "choice",
                "choices": ["unknown", "no", "yes", "not-applicable"],
            },
        ],
    },
    {
        "name": "general",
        "title": "General illness",
        "version": 1,
        "fields": [
            {"key": "complaint", "label": "Main complaint", "kind": "text", "required": True},
            {"key": "question", "label": "Question to the specialist", "kind": "text", "required": True},
        ],
    },
]
