// The page Ask, while an answer comes. Without this script the form works as a plain form post; this adds the stream, Stop, and the keys.
"use strict";

(() => {
  const form = document.getElementById("ask");
  const box = document.getElementById("question");
  if (!form || !box) return;
  const send = document.getElementById("send");
  const stop = document.getElementById("stop");
  const status = document.getElementById("status");
  const answers = document.getElementById("answers");
  const blank = document.getElementById("under-way");

  // The one place where HTML is inserted: what our own templates made, escaped, and sent by our own server.
  const made = window.trustedTypes
    ? window.trustedTypes.createPolicy("headrace", { createHTML: (html) => html })
    : { createHTML: (html) => html };
  const fragment = (html) => {
    const holder = document.createElement("template");
    holder.innerHTML = made.createHTML(html);
    return holder.content;
  };

  let running = null; // the AbortController of the answer under way

  const say = (sentence) => {
    status.textContent = sentence;
  };

  const begin = (question) => {
    const article = blank.content.firstElementChild.cloneNode(true);
    article.querySelector("h2").textContent = question;
    answers.prepend(article);
    send.hidden = true;
    stop.hidden = false;
    say("Under way.");
    return article;
  };

  const end = () => {
    running = null;
    send.hidden = false;
    stop.hidden = true;
    if (document.activeElement === stop || document.activeElement === document.body) box.focus();
  };

  const settle = (article) => {
    article.querySelector(".live")?.classList.remove("live");
    article.querySelector(".prose")?.setAttribute("aria-busy", "false");
  };

  const note = (article, sentence, fine) => {
    const rest = article.querySelector(".rest");
    for (const [name, text] of [["what", sentence], ["fine", fine]]) {
      if (!text) continue;
      const line = document.createElement("p");
      line.className = name;
      line.textContent = text;
      rest.append(line);
    }
    settle(article);
    article.querySelector(".kind").textContent = "No answer";
    say(sentence);
  };

  // One JSON object a line, in whatever pieces the network brings them.
  async function* lines(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      for (const part of parts) yield JSON.parse(part);
    }
  }

  const giveBack = (question) => {
    if (!box.value) box.value = question;
  };

  const ask = async () => {
    const question = box.value;
    const body = new URLSearchParams(new FormData(form));
    const controller = new AbortController();
    running = controller;
    const article = begin(question);
    const prose = article.querySelector(".prose");
    let request = "";
    box.value = "";
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body,
        headers: { accept: "application/x-ndjson" },
        signal: controller.signal,
      });
      for await (const event of lines(response)) {
        if (event.opened) request = event.opened;
        if (event.delta) prose.append(event.delta);
        if (!event.end) continue;
        if (event.end === "answered") {
          article.replaceWith(fragment(event.html));
        } else {
          article.querySelector(".rest").append(fragment(event.html)); // an alert: it is read out as it comes
          article.querySelector(".kind").textContent = "No answer";
          settle(article);
          giveBack(question);
        }
        say(event.end === "answered" ? event.said : "");
        return;
      }
      giveBack(question);
      note(article, "The answer broke off before its end. Ask again.", request);
    } catch (error) {
      giveBack(question);
      if (controller.signal.aborted) {
        note(article, "You stopped this answer. Its record says that it was cancelled.", request);
      } else if (error instanceof TypeError) {
        note(article, "The connection to Headrace was lost. See that it runs, and ask again.", request);
      } else {
        note(article, "What came back could not be read. Load the page anew, and ask again.", request);
      }
    } finally {
      end();
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (running) return;
    if (!box.value.trim()) {
      say("There is no question yet.");
      box.focus();
      return;
    }
    ask();
  });

  stop.addEventListener("click", () => running?.abort());

  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    event.preventDefault();
    if (running) say("An answer is under way. Esc stops it.");
    else form.requestSubmit();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && running) {
      event.preventDefault();
      running.abort();
    }
    const writing = event.target.closest("input:not([type=radio]), textarea, select, [contenteditable]");
    if (event.key === "/" && !writing && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      box.focus();
    }
  });

  window.addEventListener("beforeunload", (event) => {
    if (running) event.preventDefault();
  });

  // A page of ours that follows one of these requests may compare its texts with the record: they go from tab to tab and nowhere else.
  if (window.BroadcastChannel) {
    const channel = new BroadcastChannel("headrace-openings");
    channel.addEventListener("message", (event) => {
      const asked = event.data?.asks;
      const proof = [...document.querySelectorAll("form.proof")].find((each) => asked && each.elements.request?.value === asked);
      if (proof?.elements.opens?.value) channel.postMessage({ opens: asked, opening: proof.elements.opens.value });
    });
  }

  for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
})();
