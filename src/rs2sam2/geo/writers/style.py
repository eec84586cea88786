"""QGIS' style of a layer: every phrase in its own colour, filled lightly."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from rs2sam2.drawing import COLORS


def qml(phrases: Sequence[str], numbers: Sequence[int]) -> str:
    """Style in QGIS' XML for a layer with the attribute ``phrase``; ``numbers`` pick the colours."""
    categories, symbols = [], []
    for i, (phrase, number) in enumerate(zip(phrases, numbers, strict=True)):
        red, green, blue = COLORS[number % len(COLORS)]
        label = quoteattr(phrase)
        categories.append(f'<category render="true" symbol="{i}" value={label} label={label} type="string"/>')
        options = {
            "color": f"{red},{green},{blue},70", "outline_color": f"{red},{green},{blue},255", "outline_width": "0.5",
            "outline_style": "solid", "style": "solid",
        }  # fmt: skip
        properties = "".join(f'<prop k="{k}" v="{v}"/>' for k, v in options.items())
        symbols.append(
            f'<symbol type="fill" name="{i}" alpha="1" clip_to_extent="1" force_rhr="0">'
            f'<layer class="SimpleFill" enabled="1" locked="0" pass="0">{properties}</layer></symbol>'
        )
    return (
        '<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM"><qgis version="3.22.0" styleCategories="Symbology">'
        '<renderer-v2 type="categorizedSymbol" attr="phrase" forceraster="0" symbollevels="0" enableorderby="0">'
        f"<categories>{''.join(categories)}</categories><symbols>{''.join(symbols)}</symbols></renderer-v2></qgis>"
    )
