"""What gives away an attempt to steer the agent, or to mark its own work, by its wording.

Patterns are RE2: linear in the text, whatever is in it. They find known wordings and no other: an
instruction that reads like any other text of a tool ("TODO: pay the bill") passes.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args

import msgspec

VERSION = "screens/1"

Screen = Literal["injection", "self_scoring"]
Voice = Literal["user", "tool", "assistant"]
VOICES: tuple[Voice, ...] = get_args(Voice)

_MODEL = r"(?:ai|a\.i\.|llms?|(?:large |ai )?language models?|chatgpt|claude|gemini|gpt-?\d[\w.-]*)"
_ORDERS = r"(?:\w{0,3}nstructions?|prompts?|rules|guidelines|directions|commands|programming)"
_DROP = r"(?:ignore|disregard|forget|override|bypass)"
_TALK = r"(?:conversation|chat|episode|interaction|response|answer|transcript|run|trajectory)"
_JUDGE = r"(?:evaluators?|graders?|judges?|scorers?|reward models?)"
_BEST = (
    r"(?:10 ?/ ?10|5 ?/ ?5|(?:5|five) out of (?:5|five)|100 ?%|full (?:marks|score|credit)"
    r"|(?:the )?(?:highest|maximum|best|perfect) (?:score|rating|reward|grade|mark))"
)


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """A wording, in the voices in which it is no honest one."""

    name: str
    screen: Screen
    voices: tuple[Voice, ...]
    shape: str  # RE2, case ignored
    why: str


PATTERNS = (
    Pattern(
        name="orders_dropped",
        screen="injection",
        voices=("tool",),
        shape=rf"{_DROP}\b[^.]{{0,40}}\b(?:previous|prior|above|earlier|preceding|all|your|"
        rf"system|other)\b[^.]{{0,30}}\b{_ORDERS}\b",
        why="the classic of Perez and Ribeiro (2022): data have no orders to take back; often "
        "it is glued to an honest word",
    ),
    Pattern(
        name="orders_dropped_by_user",
        screen="injection",
        voices=("user",),
        shape=rf"\b{_DROP}\b (?:(?:all|any|each) (?:of )?(?:your |the |prior |previous |above )*|"
        rf"your (?:system |prior |previous |initial )*|the (?:system|above) ){_ORDERS}\b",
        why="users may take back their own words, not those of the product",
    ),
    Pattern(
        name="addressed_to_model",
        screen="injection",
        voices=("tool",),
        shape=r"\b(?:important|urgent|critical|special) (?:message|notice|note|instruction)s?\b"
        rf".{{0,80}}\bto you\b|\b(?:message|note|notice|instructions?|attention)[,:]? (?:to|for) "
        rf"(?:you, )?(?:the |any |all )?{_MODEL}\b",
        why="data that speak to the model that reads them (Greshake et al., 2023)",
    ),
    Pattern(
        name="other_task_first",
        screen="injection",
        voices=("tool",),
        shape=r"\bbefore you (?:can )?(?:solve|do|complete|continue|finish|answer|proceed)\b"
        r"[^.]{0,40}\b(?:task|request|question|query)\b[^.]{0,80}\b(?:first|following)\b",
        why="another task put before the user's",
    ),
    Pattern(
        name="new_orders",
        screen="injection",
        voices=("tool", "user"),
        shape=rf"\byour new (?:{_ORDERS}|objective|role) (?:is|are)\b|\b(?:strictly|only) "
        rf"(?:adhere to|follow|obey) (?:the following|these|my) {_ORDERS}\b",
        why="orders given from where none may come",
    ),
    Pattern(
        name="template_spoofed",
        screen="injection",
        voices=("tool", "user"),
        shape=r"<\|(?:im_start|im_end|system|start_header_id|end_header_id|eot_id)\|>|\[/?INST\]"
        r"|<</?SYS>>|<\|?(?:start|end)_of_turn\|?>",
        why="marks of a chat template, which only a template writes",
    ),
    Pattern(
        name="kept_from_user",
        screen="injection",
        voices=("tool",),
        shape=r"\b(?:do not|don't|never|without)\b[^.]{0,12}\b(?:tell|telling|inform|informing|"
        r"alert|alerting|notify|notifying|(?:mention|reveal) (?:this|it) to)\b the user\b",
        why="what the user must not know of",
    ),
    Pattern(
        name="persona",
        screen="injection",
        voices=("tool", "user"),
        shape=r"\bdo anything now\b|\byou are (?:now )?(?:DAN|jailbroken)\b|\b(?:enter|enable|"
        r"activate) (?:developer|god|dan|jailbreak) mode\b|\bdeveloper mode (?:enabled|active)\b",
        why="jailbreaks that give the model another character (Shen et al., 2023)",
    ),
    Pattern(
        name="prompt_asked_for",
        screen="injection",
        voices=("tool", "user"),
        shape=r"\b(?:reveal|print|repeat|output|show|leak|tell)\b[^.]{0,24}\byour (?:\w+ )?"
        r"(?:system prompt|(?:hidden|initial|original|secret) (?:instructions?|prompt))\b",
        why="the system prompt is not the user's to read",
    ),
    Pattern(
        name="address_to_fill",
        screen="injection",
        voices=("tool",),
        shape=r"!\[[^\]]{0,80}\]\(https?://[^)\s]{1,200}[?&/=](?:\{|\[|<|\$|%7B)",
        why="an image whose address the model is to fill with what it knows (Rehberger, 2023)",
    ),
    Pattern(
        name="outcome_sent",
        screen="self_scoring",
        voices=("assistant",),
        shape=r"/v1/outcomes\b|\bheadrace\b.{0,40}\boutcomes?\b",
        why="the agent calls the door for outcomes",
    ),
    Pattern(
        name="marked_a_success",
        screen="self_scoring",
        voices=("assistant", "user", "tool"),
        shape=rf"\b(?:mark|label|record|log|count|grade|score|rate|classify)\b[^.]{{0,30}}\b{_TALK}\b"
        r"[^.]{0,20}\bas (?:an? )?(?:success\b|successful\b|passed\b|correct\b|perfect\b)",
        why="says how this very talk is to be labelled",
    ),
    Pattern(
        name="judge_addressed",
        screen="self_scoring",
        voices=("assistant", "user", "tool"),
        shape=rf"\b(?:note|message|instructions?|attention|dear)\b[,:]? (?:to |for )?"
        rf"(?:the |any |all )?{_JUDGE}\b|\b{_JUDGE} (?:should|must|will|please)\b[^.]{{0,40}}"
        r"\b(?:give|assign|award|score|rate|grade|mark|accept|pass)\b",
        why="speaks to whoever judges the talk",
    ),
    Pattern(
        name="own_score",
        screen="self_scoring",
        voices=("assistant",),
        shape=r"\b(?:my|this|the above) (?:response|answer|solution|work|output)\b[^.]{0,40}\b"
        r"(?:deserves?|scores?|earns?|merits?|should (?:receive|get|be (?:scored|rated|graded|"
        rf"given)))\b[^.]{{0,30}}{_BEST}"
        r"|\b(?:self[- ]?(?:score|assessment|evaluation|grade|rating)|reward)\W{0,4}[:=] ?\W?\d",
        why="the agent scores itself",
    ),
    Pattern(
        name="rating_begged",
        screen="self_scoring",
        voices=("assistant",),
        shape=r"\b(?:rate|give|leave)\b[^.]{0,40}\b(?:(?:5|five)[- ]stars?|thumbs[- ]up|"
        r"(?:positive|good|high) (?:rating|feedback))\b",
        why="the agent asks for the mark that it is learnt from",
    ),
)

NAMED: Mapping[str, Pattern] = MappingProxyType({pattern.name: pattern for pattern in PATTERNS})


def found(text: str, voice: Voice) -> list[str]:
    """The names of the patterns in a text of this voice, in the order of the table."""
    names, matcher = _matcher(voice)
    line = " ".join(text.split())  # a wording may go on in the next line
    return [names[place] for place in sorted(matcher.Match(line) or ())]


@cache
def _matcher(voice: Voice) -> tuple[tuple[str, ...], Any]:
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    own = [pattern for pattern in PATTERNS if voice in pattern.voices]
    matcher = re2.Set.SearchSet(options)
    for pattern in own:
        matcher.Add(pattern.shape)
    matcher.Compile()
    return tuple(pattern.name for pattern in own), matcher
