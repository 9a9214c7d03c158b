"""CDISC USDM v4 JSON <-> `StudyDesign`: the schedule of a study in the trade's own exchange format.

`read_usdm` takes any study's main timeline. `write_usdm` writes ours so that every USDM reader sees the
visits, and keeps in extension attributes what USDM has no word for, so that `read_usdm` gives the same
calendar back.
"""

from __future__ import annotations

from workflows.usdm_read import UsdmStudy, looks_like_usdm, read_usdm
from workflows.usdm_write import write_usdm

__all__ = ["UsdmStudy", "looks_like_usdm", "read_usdm", "write_usdm"]
