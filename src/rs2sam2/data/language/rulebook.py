"""The rules by which a phrase is read, by name."""

from __future__ import annotations

from rs2sam2.data.language.english_rules import EnglishRules
from rs2sam2.data.language.program import RuleName
from rs2sam2.data.language.rrsisd_rules import RrsisdRules
from rs2sam2.data.language.rules import Rules


def rules_for(name: RuleName, margin: bool = True) -> Rules:
    """The rules of that name; `margin=False` asks RRSIS-D's for their bare thresholds."""
    return EnglishRules() if name == "english" else RrsisdRules(margin=0.02 if margin else 0.0)
