"""COMMENT ON: what was said of a thing is kept with its definition; schemas under another name."""

from __future__ import annotations

from dataclasses import replace

from gateway.errors import FeatureNotSupported
from gateway.sources.table import TableName
from gateway.sql.meaning.functions import FunctionName
from gateway.store.ddl.altering import Alterer, with_column
from gateway.store.ddl.dropping import is_owned
from gateway.store.definitions.catalogue import Relation
from gateway.store.definitions.definitions import Note, TableDefinition, View
from gateway.store.definitions.privileges import Securable, default_about, default_key


class Commenter(Alterer):
    """The part of a session that keeps comments, and gives schemas other names."""

    def comment_on(self, name: TableName, text: str, column: str | None = None) -> None:
        """Keep what COMMENT ON said of a relation, or of a column that it has."""
        with self._defining() as transaction:
            relation = self._relation(name)
            definition = relation.definition
            if column is None:
                definition = replace(definition, comment=text)
            elif isinstance(definition, TableDefinition):
                definition = with_column(
                    definition, replace(definition.column(column), comment=text)
                )
            elif isinstance(definition, View):
                left = tuple(each for each in definition.notes if each[0] != column)
                definition = replace(definition, notes=(*left, *([(column, text)] if text else ())))
            self._save(transaction, Relation(relation.oid, definition))

    def comment_on_part(self, name: TableName, kind: str, part: str, text: str) -> None:
        """Keep what COMMENT ON said of an "index" or a "constraint" of a table."""
        with self._defining() as transaction:
            oid, table = transaction.catalogue.table(name)
            kept = tuple(n for n in table.notes if (n.kind, n.name) != (kind, part))
            notes = (*kept, Note(kind, part, text)) if text else kept
            self._save(transaction, Relation(oid, replace(table, notes=notes)))

    def comment_on_schema(self, name: str, text: str) -> None:
        """Keep what COMMENT ON SCHEMA said."""
        with self._defining() as transaction:
            transaction.catalogue.refuse_no_schema(name)
            self._save_schema(transaction, name, text)

    def comment_on_function(self, key: FunctionName, text: str) -> None:
        """Keep what COMMENT ON FUNCTION said of a function that is there."""
        with self._defining() as transaction:
            routine = replace(transaction.catalogue.functions[key], comment=text)
            transaction.catalogue = transaction.catalogue.with_function(routine)
            self._save_function(transaction, routine)

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
