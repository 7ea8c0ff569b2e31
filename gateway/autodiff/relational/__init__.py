"""Gradients of a whole query by a column of a table: `pull_back` puts them beside its rows."""

from gateway.autodiff.relational.asked import unnamed as unnamed
from gateway.autodiff.relational.directions import push_forward as push_forward
from gateway.autodiff.relational.pullback import pull_back as pull_back
