"""Guarded streaming: each sentence goes out when the hard propositions have passed on it.

Text is held back by sentence, or by lines of bounded length where no sentence ends (code, tables). What
passes goes out; of a sentence that carries or completes a violation no character does. The last sentence
waits for the verdict on the whole answer, which is the same verdict that a whole reply gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial

from contract.candidate import Candidate, Piece, Prompt
from contract.chat import ChatRequest
from contract.verdict import Refuse, Unjudged, Verdict
from rbrm.guard import Look
from server.citations import cite
from server.decide import decide_streamed, refuse
from server.held import Held
from server.live import Live
from server.outcome import Attempt, Choice, blocked, settled
from server.parts import Parts
from server.sampling import sampling_of

# Sentences judged in one go where more than one is complete.
_TOGETHER = 4


@dataclass(slots=True)
class _Written:
    """What the policy has written so far, and how much of it has been let out."""

    text: Held = field(default_factory=Held)
    reasoning: Held = field(default_factory=Held)
    last: Piece = field(default_factory=Piece)

    def add(self, piece: Piece) -> None:
        self.text.add(piece.text)
        self.reasoning.add(piece.reasoning)
        if piece.finish_reason is not None:
            self.last = piece

    def candidate(self) -> Candidate:
        return Candidate(
            text=self.text.all,
            finish_reason=self.last.finish_reason or "stop",
            prompt_tokens=self.last.prompt_tokens,
            completion_tokens=self.last.completion_tokens,
            cached_tokens=self.last.cached_tokens,
            tool_calls=self.last.tool_calls,
            reasoning=self.reasoning.all,
        )


async def stream_choice(request: ChatRequest, prompt: Prompt, parts: Parts, live: Live) -> Choice:
    """Let the one candidate out through `live` while it is written; return the settled choice.

    Raises:
        PolicyUnavailable: the policy can't be reached, or broke off.
        RequestRejected: the policy refused the request.
    """
    written = _Written()
    found: tuple[str, ...] = ()
    stream = parts.policy.stream(prompt, sampling_of(request, parts.settings))
    with parts.telemetry.stage("generate"):
        async with aclosing(_batches(stream)) as batches:
            async for batch in batches:
                for piece in batch:
                    written.add(piece)
                if not parts.settings.judge.enabled:
                    _pass_on(prompt, live, written)
                elif found := await _let_out(request, prompt, parts, live, written):
                    break
    if found:
        choice = await _block(request, prompt, parts, live, written, ", ".join(found))
    else:
        choice = await _finish(request, prompt, parts, live, written)
    if not live.content:
        live.say(choice.cited.content)
    return choice


async def _let_out(
    request: ChatRequest, prompt: Prompt, parts: Parts, live: Live, written: _Written
) -> tuple[str, ...]:
    """Judge the sentences that are complete and let out those that pass; return what they violate.

    Sentences that came together are judged together; only where they do not pass is it told which one it
    was. A suspicious one stays, with all behind it, until more was written or all was judged.
    """

    async def look(held: Held, end: int) -> Look:
        return await parts.guard(request, prompt.evidence, held.all[:end], held.out)

    def let_out(held: Held, end: int) -> None:
        _say(prompt, live, written, held, end)

    for held in (written.reasoning, written.text):
        for together in held.batches(_TOGETHER):
            seen = await look(held, together[-1])
            if not seen.violations and not seen.suspicious:
                let_out(held, together[-1])
                continue
            for end in together[:-1]:
                alone = await look(held, end)
                if alone.violations:
                    return alone.violations
                if alone.suspicious:
                    break
                let_out(held, end)
            if seen.violations:
                return seen.violations
            held.doubt(together[-1])
            break
    return ()


def _pass_on(prompt: Prompt, live: Live, written: _Written) -> None:
    """Let words out as they come, where nobody judges them."""
    for held in (written.reasoning, written.text):
        if (end := held.unguarded()) > held.out:
            _say(prompt, live, written, held, end)


def _say(prompt: Prompt, live: Live, written: _Written, held: Held, end: int) -> None:
    """Let one of the texts out up to an offset."""
    held.let_out(end)
    if held is written.text:
        content = cite(held.all[:end], prompt.evidence.passages).content
        live.say(content[len(live.content) :])
    else:
        live.think(held.all[len(live.reasoning) : end])


async def _finish(
    request: ChatRequest, prompt: Prompt, parts: Parts, live: Live, written: _Written
) -> Choice:
    """The verdict on the whole answer, and what it lets out or stops."""
    candidate, evidence = written.candidate(), prompt.evidence
    judgement = (await parts.judge_candidates(request, evidence, [candidate]))[0]
    with parts.telemetry.stage("decide"):
        decision = decide_streamed(
            judgement,
            parts.judge.rubric,
            language=evidence.language,
            documents_hold_answer=partial(parts.holds_answer, evidence),
            shown=bool(live.content),
        )
    attempt = Attempt.of([candidate], [judgement], decision)
    if isinstance(decision, Refuse):
        return blocked([attempt], evidence, live.content)
    assert isinstance(judgement, Verdict | Unjudged)
    choice = settled([attempt], evidence, keep_marks=True)
    live.think(candidate.reasoning[len(live.reasoning) :])
    live.say(choice.cited.content[len(live.content) :])
    return choice


async def _block(
    request: ChatRequest,
    prompt: Prompt,
    parts: Parts,
    live: Live,
    written: _Written,
    reason: str,
) -> Choice:
    """The choice that ends here: judged as far as it was written, for the log."""
    candidate, evidence = written.candidate(), prompt.evidence
    judgement = (await parts.judge_candidates(request, evidence, [candidate]))[0]
    verdicts = [judgement] if isinstance(judgement, Verdict) else []
    style = refuse(verdicts, 1).style if verdicts else "comply"
    decision = Refuse("hard_refuse" if style == "comply" else style, reason)
    return blocked([Attempt.of([candidate], [judgement], decision)], evidence, live.content)


async def _batches(stream: AsyncGenerator[Piece]) -> AsyncGenerator[list[Piece]]:
    """All pieces that have come since the last look, so that judging never falls behind by its own time.

    Closing this closes the policy's stream.
    """
    queue: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()

    async def pump() -> None:
        try:
            async for piece in stream:
                queue.put_nowait(piece)
            queue.put_nowait(None)
        except Exception as error:
            queue.put_nowait(error)

    task = asyncio.create_task(pump())
    try:
        while True:
            batch = [await queue.get()]
            while not queue.empty():
                batch.append(queue.get_nowait())
            pieces = [piece for piece in batch if isinstance(piece, Piece)]
            if pieces:
                yield pieces
            ending = batch[-1]
            if isinstance(ending, BaseException):
                raise ending
            if ending is None:
                return
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await stream.aclose()
