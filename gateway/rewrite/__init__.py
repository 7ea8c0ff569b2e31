"""From a query as it was parsed to one that the engine runs."""

from gateway.rewrite.passes import rewrite as rewrite
from gateway.rewrite.rewritten import Rewritten as Rewritten
