"""The former name of `outbid.run_settings`, until nothing uses it."""

from __future__ import annotations

from outbid.run_settings import SEED as SEED
from outbid.run_settings import begin as begin
from outbid.run_settings import begin_game as begin_game
from outbid.run_settings import command_line as command_line
from outbid.run_settings import data_folder as data_folder
from outbid.run_settings import digest as digest
from outbid.run_settings import kept as kept
from outbid.run_settings import no_data as no_data
from outbid.run_settings import perhaps as perhaps
from outbid.run_settings import unchanged as unchanged
