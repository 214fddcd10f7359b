"""Requests in a browser: the list and its filters, one request whole, and its receipt checked by WebCrypto, part by part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from headrace.evidence.log.note import load_or_create
from headrace.evidence.verify import verify
from headrace.evidence.verify.parts import key_of
from tests.scenario.test_console import NARROW, WIDE, WITHIN_MS, audit, sign_in
from tests.support.browsers import chromium, until
from tests.support.consoles import Browser as Plain
from tests.support.consoles import console
from tests.support.rooms import SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from pathlib import Path

    from playwright.async_api import Browser, BrowserContext, Page, Route

    from tests.support.consoles import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "Which command returns the service to the revision before, within five seconds?"
STEPS = ("key", "text", "record", "receipt", "inclusion", "checkpoint")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncGenerator[House]:
    async with console() as serving:
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(house: House) -> dict[str, str]:
    """Ids by what came of them. Asked without a script, as it can be."""
    found: dict[str, str] = {}
    async with Plain(house.url) as plain:
        await plain.sign_in(house.key("ana"))
        for name, question, service in (
            ("other", QUESTION, "help"),
            ("quote", QUESTION, "help"),
            ("answer", "Hello", "local"),
            ("refused", f"My key: {SECRET}", "local"),
        ):
            await plain.ask(question, service)
            page = await plain.get("/console/requests")
            found[name] = next(each for each in page.attribute("a", "href") if each.startswith("/console/requests/req_")).rpartition("/")[2]
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def windows(house: House, browser: Browser) -> AsyncGenerator[BrowserContext]:
    async with await browser.new_context(viewport=WIDE, accept_downloads=True) as context:  # pyright: ignore[reportArgumentType]
        context.set_default_timeout(WITHIN_MS)
        await sign_in(await context.new_page(), house, "ana")
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def page(house: House, windows: BrowserContext) -> AsyncGenerator[Page]:
    """A window. Nothing may be asked of any other host, and no policy violated."""
    page = await windows.new_page()
    seen: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
    yield page
    await page.close()
    assert not [url for url in seen if not url.startswith(house.url)]
    assert not faults


async def checked(page: Page) -> dict[str, tuple[str, str]]:
    """Every step's state and words, once all of them are done."""
    await until(page, "() => /holds|Broken|could not/.test(document.getElementById('verdict').textContent)")
    found = await page.evaluate(
        "() => [...document.querySelectorAll('#steps li')].map(each => [each.dataset.step, each.dataset.state, each.lastChild.textContent])"
    )
    return {name: (state, said) for name, state, said in found}


async def tampered(page: Page, house: House, request: str, change: Callable[[dict[str, Any]], None]) -> dict[str, tuple[str, str]]:
    """The page's check of a proof that was changed on its way."""

    async def changing(route: Route) -> None:
        response = await route.fetch()
        bundle = await response.json()
        change(bundle)
        await route.fulfill(response=response, json=bundle)

    await page.route("**/requests/receipt/*", changing)
    await page.goto(f"{house.url}/console/requests/{request}")
    found = await checked(page)
    await page.unroute("**/requests/receipt/*")
    return found


async def test_every_step_holds_and_says_what_it_compared(page: Page, house: House, asked: Mapping[str, str]) -> None:
    await page.goto(f"{house.url}/console/requests/{asked['quote']}")
    found = await checked(page)
    assert {name: state for name, (state, _) in found.items()} == {**dict.fromkeys(STEPS, "good"), "text": "off"}
    end = await house.end(asked["quote"])
    key = key_of(str(house.folder / "log.vkey"))
    assert key.id.hex() in found["key"][1]
    assert found["record"][1].startswith("SHA-256 over 0x00 and the record's ")
    assert key.id.hex() in found["receipt"][1]
    assert key.id.hex() in found["checkpoint"][1]
    assert "were not compared" in await page.inner_text("#verdict")
    assert end["outcome"] == "answered"


def flipped(text: str, at: int = 20) -> str:
    """One character another."""
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def hexed(text: str, at: int = 5) -> str:
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


def _root(bundle: dict[str, Any]) -> None:
    lines = bundle["checkpoint"].split("\n")
    lines[2] = flipped(lines[2], 5)
    bundle["checkpoint"] = "\n".join(lines)


TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], None], set[str]]] = {
    "record": (lambda b: b.update(record=b["record"].replace('"ana"', '"anb"', 1)), {"record"}),
    "leaf": (lambda b: b["receipt"].update(leaf=hexed(b["receipt"]["leaf"])), {"record", "receipt", "inclusion"}),
    "sequence": (lambda b: b["receipt"].update(sequence=b["receipt"]["sequence"] + 1), {"receipt", "inclusion"}),
    "time": (lambda b: b["receipt"].update(time_us=b["receipt"]["time_us"] + 1), {"receipt"}),
    "log": (lambda b: b["receipt"].update(log=hexed(b["receipt"]["log"], -2)), {"receipt"}),
    "signature": (lambda b: b["receipt"].update(signature=flipped(b["receipt"]["signature"])), {"receipt"}),
    "signature's spelling": (lambda b: b["receipt"].update(signature=b["receipt"]["signature"].rstrip("=")), {"receipt"}),
    "index": (lambda b: b["proof"].update(index=b["proof"]["index"] ^ 1), {"inclusion"}),
    "size": (lambda b: b["proof"].update(size=b["proof"]["size"] + 1), {"inclusion"}),
    "path": (lambda b: b["proof"]["hashes"].__setitem__(0, flipped(b["proof"]["hashes"][0])), {"inclusion"}),
    "shorter path": (lambda b: b["proof"]["hashes"].pop(), {"inclusion"}),
    "longer path": (lambda b: b["proof"]["hashes"].append(b["proof"]["hashes"][0]), {"inclusion"}),
    "root": (_root, {"inclusion", "checkpoint"}),
    "note": (lambda b: b.update(checkpoint=flipped(b["checkpoint"], len(b["checkpoint"]) - 20)), {"checkpoint"}),
    "note's end": (lambda b: b.update(checkpoint=b["checkpoint"].rstrip("\n")), {"checkpoint"}),
}


async def test_one_changed_part_breaks_its_step_by_name(page: Page, house: House, asked: Mapping[str, str]) -> None:
    """And the same step that the offline verifier names. One window sees one proof after the other."""
    named: dict[str, set[str]] = {}
    shown: dict[str, set[str]] = {}
    for part, (change, _) in TAMPERED.items():
        found = await tampered(page, house, asked["other"], change)
        shown[part] = {name for name, (state, _) in found.items() if state == "bad"}
        assert all(state == "good" for name, (state, _) in found.items() if name not in {*shown[part], "text"}), part
        assert (await page.inner_text("#verdict")).startswith("Do not rely on this record. Broken: "), part
        bundle = json.loads(json.dumps(await house.ledger.proof(asked["other"])))
        change(bundle)
        named[part] = {link.name for link in verify(bundle, key_of(str(house.folder / "log.vkey"))) if not link.holds} - {"text"}
    assert shown == named == {part: broken for part, (_, broken) in TAMPERED.items()}


async def test_a_proof_of_another_request_and_one_that_cannot_be_fetched(page: Page, house: House, asked: Mapping[str, str]) -> None:
    other = await house.ledger.proof(asked["other"])
    assert other is not None
    found = await tampered(page, house, asked["quote"], lambda bundle: bundle.update(other))
    assert found["record"] == ("bad", "it is the record of another request")
    await page.route("**/requests/receipt/*", lambda route: route.abort())
    await page.goto(f"{house.url}/console/requests/{asked['quote']}")
    assert await checked(page) == {}
    assert (await page.inner_text("#verdict")).startswith("The proof could not be fetched")
    await page.unroute("**/requests/receipt/*")


async def test_the_key_that_a_stranger_holds(page: Page, house: House, asked: Mapping[str, str], tmp_path: Path) -> None:
    await page.goto(f"{house.url}/console/requests/{asked['quote']}")
    await checked(page)
    right = (house.folder / "log.vkey").read_text().strip()
    wrong = load_or_create(tmp_path, may_create=True).vkey
    await page.click("text=Check against a key of your own")
    for given, broken in (
        (wrong, {"receipt", "checkpoint"}),
        (flipped(right, len(right) - 5), {"key"}),
        ("nonsense", {"key"}),
        (right, set[str]()),
    ):
        await page.fill("#own-key", given)
        await page.evaluate("() => { document.getElementById('verdict').textContent = '' }")
        await page.click("#hold button")
        found = await checked(page)
        assert {name for name, (state, _) in found.items() if state == "bad"} == broken, given
    assert "the key that you put here" in found["key"][1]


async def test_texts_from_the_tab_in_which_they_stand_and_from_a_proof_file(
    windows: BrowserContext, page: Page, house: House, tmp_path: Path
) -> None:
    ask = await windows.new_page()
    await ask.goto(f"{house.url}/console/")
    if await ask.locator("select#service").count():
        await ask.select_option("#service", "help")
    else:
        await ask.check("input[value=help]")
    await ask.fill("#question", QUESTION)
    await ask.press("#question", "Enter")
    await until(ask, "() => document.querySelector('dl.facts')")
    async with windows.expect_page() as opened:
        await ask.click("a[href^='/console/requests/req_']")
    followed = await opened.value
    await until(followed, "() => document.querySelector('[data-step=text][data-state=good]')")
    assert "Every step holds" in await followed.inner_text("#verdict")
    assert "not compared" not in await followed.inner_text("#verdict")
    form = {each: await ask.input_value(f"form.proof [name={each}]") for each in ("request", "opens")}
    await ask.close()
    opening = json.loads(form["opens"])
    await page.goto(f"{house.url}/console/requests/{form['request']}")
    assert (await checked(page))["text"][0] == "off"
    for change, state in ((opening["text"], "good"), (opening["text"] + " ", "bad")):
        (tmp_path / "proof.json").write_text(json.dumps({**opening, "text": change}))
        await page.set_input_files("#held-file", tmp_path / "proof.json")
        await page.evaluate("() => { document.getElementById('verdict').textContent = '' }")
        await page.evaluate("() => document.getElementById('hold').requestSubmit()")
        assert (await checked(page))["text"][0] == state
    await page.set_input_files("#held-file", [])
    await page.click("text=Check the question and the answer too")
    await page.fill("#held-prompt", QUESTION)
    await page.fill("#salt-prompt", opening["salts"]["prompt"])
    await page.evaluate("() => { document.getElementById('verdict').textContent = '' }")
    await page.click("#hold button")
    assert (await checked(page))["text"][0] == "good"


async def test_a_browser_without_ed25519_says_so(page: Page, house: House, asked: Mapping[str, str]) -> None:
    await page.add_init_script(
        "const real = SubtleCrypto.prototype.importKey;"
        "SubtleCrypto.prototype.importKey = function (form, key, how, ...rest) {"
        " if (how.name === 'Ed25519') return Promise.reject(new DOMException('', 'NotSupportedError'));"
        " return real.call(this, form, key, how, ...rest) }"
    )
    await page.goto(f"{house.url}/console/requests/{asked['quote']}")
    found = await checked(page)
    assert {name: state for name, (state, _) in found.items()} == {
        "key": "good", "text": "off", "record": "good", "receipt": "off", "inclusion": "good", "checkpoint": "off",
    }  # fmt: skip
    assert "no Ed25519" in found["receipt"][1]
    assert await page.inner_text("#verdict") == "What could be checked holds. Not checked: Receipt, Checkpoint."


@pytest.mark.parametrize(("scheme", "size"), [("light", NARROW), ("dark", WIDE)], ids=["light and narrow", "dark and wide"])
async def test_nothing_that_axe_finds(house: House, browser: Browser, asked: Mapping[str, str], scheme: Any, size: Any) -> None:
    async with await browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True) as context:
        page = await context.new_page()
        await sign_in(page, house, "aud")
        for path in ("", "?outcome=cancelled&key=x", "?outcome=lost", *(f"/{asked[name]}" for name in ("quote", "answer", "refused"))):
            await page.goto(f"{house.url}/console/requests{path}")
            if path.startswith("/"):
                await checked(page)
                for each in await page.locator("summary").all():
                    await each.click()
            await audit(page)
