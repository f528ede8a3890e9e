"""All tools of one viewer."""

from __future__ import annotations

from desktop.viewer.tools.base import CanvasTool, Tool
from desktop.viewer.tools.box_tool import BoxTool, ParametricTool
from desktop.viewer.tools.brush_tool import BrushTool
from desktop.viewer.tools.click_tool import ClickTool
from desktop.viewer.tools.pen_tool import PenTool
from desktop.viewer.tools.proposal_tool import ProposalTool
from desktop.viewer.tools.select_tool import SelectTool
from desktop.viewer.tools.stage import Stage
from desktop.viewer.tools.under_mouse import UnderMouse


class Toolbox:
    """The tools by what the left mouse button does, and those that are told more than where the mouse is."""

    def __init__(self, stage: Stage) -> None:
        self.under = UnderMouse(stage)
        self.select = SelectTool(stage, self.under)
        self.proposals = ProposalTool(stage)
        self.clicks = ClickTool(stage)
        self._by_tool: dict[Tool, CanvasTool] = {
            Tool.SELECT: self.select,
            Tool.BOX: BoxTool(stage, self.under),
            Tool.RECTANGLE: ParametricTool(stage, self.under, "rectangle"),
            Tool.ELLIPSE: ParametricTool(stage, self.under, "ellipse"),
            Tool.BEZIER: PenTool(stage, "bezier"),
            Tool.BSPLINE: PenTool(stage, "bspline"),
            Tool.STROKE: PenTool(stage, "stroke"),
            Tool.BRUSH: BrushTool(stage),
            Tool.CLICK: self.clicks,
            Tool.PROPOSAL: self.proposals,
        }

    def __getitem__(self, tool: Tool) -> CanvasTool:
        return self._by_tool[tool]
