"""A study: its folder, read and checked once, and everything that it declares."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from outbid.data.panel import SeriesFile
from outbid.declared import json_schema
from outbid.evidence import Claims, ClaimSources, FigureSources
from outbid.model.priors import ParameterFile
from outbid.simulate.scenario import ScenarioFile
from outbid.study.load import SHIPPED, Reader, Study, load_study, shipped_studies, study_folder, unresolved
from outbid.study.settings import Band, Roles, Settings, read_settings

__all__ = [
    "SCHEMAS",
    "SHIPPED",
    "Band",
    "Reader",
    "Roles",
    "Settings",
    "Study",
    "json_schemas",
    "load_study",
    "read_settings",
    "shipped_studies",
    "study_folder",
    "unresolved",
]

SCHEMAS: dict[str, type[BaseModel]] = {
    "study.toml": Settings,
    "parameters.toml": ParameterFile,
    "series.toml": SeriesFile,
    "claims.toml": Claims,
    "claim_sources.toml": ClaimSources,
    "figure_sources.toml": FigureSources,
    "scenarios.toml": ScenarioFile,
}
"""The schema of each file that a study consists of; questions bring their own."""


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each file that a study consists of, by the file's name."""
    return {name: json_schema(schema) for name, schema in SCHEMAS.items()}
