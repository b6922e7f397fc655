"""A plan drawn from text to picture: one box a component, sizes on the wires, phases with their losses."""

from ganzoo.diagram.paper import check_suffix as check_suffix
from ganzoo.diagram.paper import draw as draw
