"""ALTER SCHEMA ... RENAME TO: what is in a schema goes with its name."""

from __future__ import annotations

from gateway.errors import FeatureNotSupported
from gateway.sources.table import TableName
from gateway.store.ddl.altering import Alterer
from gateway.store.ddl.dropping import is_owned
from gateway.store.definitions.privileges import Securable, default_about, default_key


class SchemaRenamer(Alterer):
    """The part of a session that gives schemas other names."""

    def rename_schema(self, name: str, new: str) -> None:
        """Give a schema another name; its relations, owner, grants and comment go with it.

        Raises:
            InvalidSchemaName: 3F000. DuplicateSchema: 42P06. FeatureNotSupported: 0A000, it holds
                functions, which others call by the schema's name.
        """
        with self._defining() as transaction:
            catalogue = transaction.catalogue
            catalogue.refuse_no_schema(name)
            catalogue.refuse_schema(new)
            if any(key.schema == name for key in catalogue.functions):
                raise FeatureNotSupported(
                    f'schema "{name}" cannot be renamed: it holds functions',
                    hint="Drop them first, and make them again afterwards.",
                )
            rights = catalogue.rights_of(Securable("schema", name))
            self._save_schema(transaction, new, catalogue.schemas[name])
            self._save_rights(transaction, Securable("schema", new), rights)
            for place, relation in sorted(catalogue.relations.items()):
                if place.schema == name and not is_owned(relation):
                    self.rename_relation(place, TableName(new, place.name))
            for thing, kept in list(transaction.catalogue.rights.items()):
                if thing.kind == "default" and default_about(thing)[2] == name:
                    number, letter, _ = default_about(thing)
                    self._save_rights(transaction, default_key(number, letter, new), kept)
            self._forget_schema(transaction, name)
