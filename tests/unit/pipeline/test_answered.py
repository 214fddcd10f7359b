"""Requests that are answered: the events, and the record that proves them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from headrace.core.values import FinishReason, JsonSchema, Mode, Usage
from headrace.evidence import verify
from headrace.evidence.commitment import commit
from headrace.pipeline.generate import ABSTENTION
from headrace.pipeline.settle import prompt_text
from tests.support.rooms import FEES, MAIL, SECRET, House, ask, received, stage, stages

ROOMS = ["received", "admitted", "screened", "routed", "reserved", "generated", "checked", "released"]
GROUNDED = [*ROOMS[:3], "grounded", *ROOMS[3:]]
ANSWER = "The answer to this question is forty-two."


async def test_a_whole_answer_is_the_answer_alone(home: House) -> None:
    asked = received("on-good", "What is it?")
    got = await ask(asked, home.rooms)
    assert (got.opened, got.deltas) == ([], [])
    answer = got.answer
    assert (answer.text, answer.finish, answer.mode) == (ANSWER, FinishReason.STOP, Mode.GENERATE)
    assert (answer.usage, answer.cost.amount) == (Usage(20, 0, 9), Decimal("0.0000084"))
    assert (answer.deployment, answer.considered, answer.confidence, answer.citations, answer.nearest) == ("good", 1, None, (), ())
    assert list(answer.stages_us) == [*ROOMS, "settled"]
    assert [each["kind"] for each in await home.records(asked.call.request)] == ["settled"]


async def test_a_streamed_answer_is_opened_sent_and_settled(home: House) -> None:
    asked = received("on-good", "What is it?", stream=True)
    got = await ask(asked, home.rooms)
    assert [each.service for each in got.opened] == ["on-good"]
    assert got.text == got.answer.text == ANSWER
    opened, settled = await home.records(asked.call.request)
    assert (opened["kind"], settled["kind"]) == ("opened", "settled")
    assert stages(opened)[:5] == ROOMS[:5]
    assert stages(settled) == ROOMS


async def test_an_answer_without_text_is_opened_all_the_same(home: House) -> None:
    home.provider.state.pieces = ()
    asked = received("on-obedient", "Say nothing.", stream=True)
    got = await ask(asked, home.rooms)
    assert (len(got.opened), got.deltas, got.answer.text) == (1, [], "")
    assert len(await home.records(asked.call.request)) == 2


async def test_the_record_says_what_happened_in_every_room(home: House) -> None:
    asked = received("told", f"Write to {MAIL}", "please", max_tokens=50)
    got = await ask(asked, home.rooms)
    end = await home.end(asked.call.request)
    assert {name: end[name] for name in ("outcome", "error", "at", "tenant", "principal", "key", "service", "instance", "revision")} == {
        "outcome": "answered", "error": None, "at": None, "tenant": "default", "principal": "ana", "key": "hr_ana", "service": "told",
        "instance": "gw_test", "revision": home.rooms.revision,
    }  # fmt: skip
    assert stage(end, "received")["characters"] == len(f"Write to {MAIL}") + len("please")
    assert stage(end, "admitted")["policies"] == ["base/members-may-ask"]
    (found,) = stage(end, "screened")["findings"]
    assert (found["kind"], found["part"], found["start"], found["end"], found["action"]) == ("email", 0, 9, 9 + len(MAIL), "mask")
    assert stage(end, "routed")["deployment"] == "echo"
    assert stage(end, "reserved")["answer_tokens"] == 50
    generated = stage(end, "generated")
    assert (generated["finish"], generated["output"], generated["reported"]) == ("stop", 9, True)
    assert generated["first_token_us"] > 0
    assert end["usage"] == {"input": 20, "input_cached": 0, "output": 9, "slot_us": 0}
    assert end["cost"] == {"amount": "0.0000084", "currency": "EUR"}
    assert got.answer.receipt.sequence == 0


async def test_the_model_sees_masks_and_the_system_prompt_and_the_asker_sees_through(home: House) -> None:
    got = await ask(received("told", f"Write to {MAIL}"), home.rooms)
    sent = home.provider.state.last["messages"]
    assert sent == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Write to [EMAIL_1]"}]
    assert got.answer.text == f"Write to {MAIL}"


async def test_who_may_not_see_through_masks_gets_masks(home: House) -> None:
    home = home.forbidding(("unmask", "told"), ("unmask", "help"))
    asked = received("told", f"Write to {MAIL}", stream=True)
    got = await ask(asked, home.rooms)
    assert got.text == got.answer.text == "Write to [EMAIL_1]"
    assert stage(await home.end(asked.call.request), "released")["unmasked"] == 0
    quoted = await ask(received("help", "contact address refunds nobody else"), home.rooms)
    assert MAIL not in quoted.answer.text + quoted.answer.citations[0].quote
    assert "[EMAIL_1]" in quoted.answer.citations[0].quote


async def test_a_quote_is_the_stored_characters_and_bills_no_model(home: House) -> None:
    asked = received("help", "How much is the annual fee in francs?")
    got = await ask(asked, home.rooms)
    answer = got.answer
    cited = answer.citations[0]
    assert answer.mode is Mode.QUOTE
    assert cited.quote == FEES[cited.start - 100 : cited.end - 100] == "The annual fee is 40 francs."
    assert answer.text.startswith(f"{cited.quote} [1]")
    assert (cited.document, cited.version, cited.place) == ("handbook/fees.md", "b4" * 32, "line 3")
    assert (answer.usage, answer.cost.amount, answer.deployment) == (Usage(), Decimal(0), None)
    assert home.provider.state.asked == 0
    end = await home.end(asked.call.request)
    assert list(answer.stages_us) == [*GROUNDED, "settled"]
    assert stage(end, "released")["citations"][0] == {
        "version": cited.version,
        "start": cited.start,
        "end": cited.end,
        "place": cited.place,
    }
    assert stage(end, "routed")["policies"] == []
    assert stage(end, "generated")["mode"] == "quote"


async def test_several_quotes_are_numbered(home: House) -> None:
    got = await ask(received("help", "Is it due in March?", stream=True), _abstaining_below(home, 0.0).rooms)
    assert [cited.n for cited in got.answer.citations] == list(range(1, len(got.answer.citations) + 1))
    assert got.text.count("\n\n") == len(got.answer.citations) - 1 >= 1


def _abstaining_below(home: House, threshold: float) -> House:
    made = home.rooms.workspace
    knowledge = made.services["help"].knowledge
    assert knowledge is not None
    service = made.services["help"].model_copy(update={"knowledge": knowledge.model_copy(update={"abstain_below": threshold})})
    return home.with_(workspace=made.model_copy(update={"services": {**made.services, "help": service}}))


async def test_below_the_threshold_it_abstains_and_names_the_nearest(home: House) -> None:
    asked = received("strict", "What does a parrot eat on Sundays in March?")
    answer = (await ask(asked, home.rooms)).answer
    assert (answer.text, answer.mode, answer.citations) == (ABSTENTION, Mode.ABSTAIN, ())
    assert 1 <= len(answer.nearest) <= 3
    assert all(not near.quote for near in answer.nearest)
    assert answer.confidence is not None
    assert answer.confidence < 1


async def test_what_the_asker_may_not_read_now_is_not_quoted_though_its_row_says_so(home: House) -> None:
    asked = received("help", "What does the director earn in francs? Salaries are paid?")
    answer = (await ask(asked, home.rooms)).answer
    assert "9000" not in answer.text
    assert all("hr/" not in place.document for place in (*answer.citations, *answer.nearest))
    assert len(stage(await home.end(asked.call.request), "grounded")["passages"]) == 2


async def test_a_passage_with_a_secret_is_left_out_and_its_finding_recorded(home: House) -> None:
    asked = received("help", "production bucket opens today")
    answer = (await ask(asked, home.rooms)).answer
    assert SECRET not in answer.text
    assert [found.kind for found in answer.findings if found.guard == "secrets"] == ["aws_access_key_id"]
    found = stage(await home.end(asked.call.request), "grounded")["findings"]
    assert [each["action"] for each in found if each["guard"] == "secrets"] == ["refuse"]


async def test_what_policy_keeps_from_one_deployment_goes_to_the_next(home: House) -> None:
    home = home.forbidding(("place", "slow"))
    asked = received("two", "What is it?")
    answer = (await ask(asked, home.rooms)).answer
    assert (answer.deployment, answer.considered) == ("good", 2)
    rejected = stage(await home.end(asked.call.request), "routed")["rejected"]
    assert rejected == [{"deployment": "slow", "reason": "label internal may not go to placement here"}]


async def test_engine_time_is_billed_where_a_deployment_has_a_meter(home: House) -> None:
    asked = received("two", "What is it?")
    answer = (await ask(asked, home.rooms)).answer
    assert answer.deployment == "slow"
    assert answer.usage.slot_seconds > 0.3
    end = await home.end(asked.call.request)
    assert end["usage"]["slot_us"] == round(answer.usage.slot_seconds * 1e6) == stage(end, "generated")["slot_us"]


async def test_json_is_asked_for_as_a_schema(home: House) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    answer = (await ask(received("extract", "Ana", format=JsonSchema(schema, "person")), home.rooms)).answer
    assert json.loads(answer.text) == {"name": "Ana", "age": 31}
    sent = home.provider.state.last["response_format"]
    assert sent == {"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": True}}


async def test_cached_input_is_a_part_of_its_own(home: House) -> None:
    assert (await ask(received("on-cached", "x"), home.rooms)).answer.usage == Usage(8, 12, 9)


async def test_a_model_that_tells_no_usage_is_counted_by_its_pieces(home: House) -> None:
    asked = received("on-silent", "x")
    answer = (await ask(asked, home.rooms)).answer
    assert answer.usage == Usage(0, 0, 9)
    assert stage(await home.end(asked.call.request), "generated")["reported"] is False


async def test_what_the_model_says_of_its_usage_stands_though_it_came_in_more_pieces(home: House) -> None:
    home.provider.state.usage = {"prompt_tokens": 20, "completion_tokens": 2}
    assert (await ask(received("on-obedient", "x"), home.rooms)).answer.usage == Usage(20, 0, 2)


async def test_why_a_model_stopped_is_told(home: House) -> None:
    assert (await ask(received("on-filtered", "x"), home.rooms)).answer.finish is FinishReason.CONTENT_FILTER
    assert (await ask(received("on-obedient", "x", max_tokens=2), home.rooms)).answer.finish is FinishReason.LENGTH


async def test_masked_output_leaves_masked_and_is_told(home: House) -> None:
    home.provider.state.pieces = ("Ask ", "board@", "example.org", " about it.")
    asked = received("on-obedient", "x", stream=True)
    got = await ask(asked, home.rooms)
    assert got.text == got.answer.text == "Ask [EMAIL_1] about it."
    assert [(found.origin, found.kind) for found in got.answer.findings] == [("output", "email")]
    checked = stage(await home.end(asked.call.request), "checked")
    assert (checked["findings"][0]["start"], checked["held_back"]) == (4, 256)


async def test_salts_open_the_commitments_and_nothing_else_does(home: House) -> None:
    asked = received("told", "Ünïcode 🦜", stream=True)
    answer = (await ask(asked, home.rooms)).answer
    salts = {name: bytes.fromhex(salt) for name, salt in answer.salts.items()}
    end = await home.end(asked.call.request)
    assert end["commitments"] == {"prompt": commit(salts["prompt"], prompt_text(asked)), "answer": commit(salts["answer"], answer.text)}
    assert prompt_text(asked) == '[["user","Ünïcode 🦜"]]'


async def test_an_answer_verifies_offline(home: House) -> None:
    asked = received("on-good", "What is it?")
    answer = (await ask(asked, home.rooms)).answer
    proof = await home.ledger.proof(asked.call.request)
    assert proof is not None
    bundle = {**proof, "text": answer.text, "salts": answer.salts, "prompt": prompt_text(asked)}
    path = home.folder / "bundle.json"
    path.write_text(json.dumps(bundle))
    links = verify.verify(verify.read_bundle(path), verify.key_of(str(home.folder / "log" / "log.vkey")))
    assert [(link.name, link.holds) for link in links] == [(name, True) for name in verify.LINKS]


async def test_a_new_revision_changes_no_request_under_way(home: House) -> None:
    """Rooms are fixed when a request comes in: each record names the revision that it was answered under."""
    first, second = received("on-good", "x"), received("on-good", "x")
    await ask(first, home.rooms)
    await ask(second, home.with_(revision="beef").rooms)
    assert [(await home.end(each.call.request))["revision"] for each in (first, second)] == [home.rooms.revision, "beef"]


async def test_a_mask_that_comes_in_pieces_is_undone_in_a_stream(home: House) -> None:
    home.provider.state.pieces = ("[EM", "AIL_1]", " is whom ", "you mean, not [EMAIL_7] or [EMA")
    unguarded = home.with_(rules={**home.rooms.rules, "on-obedient": replace(home.rooms.rules["on-obedient"], output=())})
    asked = received("on-obedient", f"Who is {MAIL}?", stream=True)
    got = await ask(asked, unguarded.rooms)
    assert got.text == got.answer.text == f"{MAIL} is whom you mean, not [EMAIL_7] or [EMA"
    assert got.deltas[0] == MAIL
    assert got.deltas[-1] == "[EMA"
    assert stage(await home.end(asked.call.request), "released")["unmasked"] == 1


async def test_a_service_has_a_temperature_for_requests_that_name_none(home: House) -> None:
    await ask(received("told", "x"), home.rooms)
    assert home.provider.state.last["temperature"] == 0
    await ask(received("told", "x", temperature=0.7), home.rooms)
    assert home.provider.state.last["temperature"] == 0.7
    await ask(received("on-echo", "x"), home.rooms)
    assert "temperature" not in home.provider.state.last
