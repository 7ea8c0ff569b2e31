// Frameworks over node-postgres: node drive_orms.js HOST PORT. Prints what each step gave, as JSON:
// the same on every server.
const [host, port] = process.argv.slice(2);
const url = `postgres://postgres@${host}:${port}/postgres`;
const told = {};

async function step(name, run) {
  try {
    told[name] = (await run()) ?? null;
  } catch (error) {
    told[name] = `${error.code || error.name}: ${error.message.split("\n")[0]}`;
  }
}

async function knex() {
  const k = require("knex")({ client: "pg", connection: url, searchPath: ["js", "public"] });
  await step("knex columns", async () => Object.entries(await k("base").columnInfo()));
  await step("knex create", () => k.schema.createTable("kn", (t) => {
    t.increments("id");
    t.string("s", 40).notNullable().index();
    t.integer("base_id").references("id").inTable("js.base");
    t.timestamps(true, true);
    t.jsonb("j");
    t.decimal("d", 8, 2);
    t.boolean("ok").defaultTo(false);
    t.unique(["s", "ok"]);
  }).then(() => "made"));
  await step("knex insert", () => k("kn").insert([{ s: "q", base_id: 1, j: { a: [1] }, d: "1.25" }, { s: "r" }])
    .returning(["id", "s", "ok"]));
  await step("knex upsert", () => k("kn").insert({ id: 1, s: "z", ok: false }).onConflict("id").merge().returning("s"));
  await step("knex join", () => k("kn").join("base", "kn.base_id", "base.id").select("kn.s", "base.name", "kn.d"));
  await step("knex alter", () => k.schema.alterTable("kn", (t) => {
    t.renameColumn("s", "title");
    t.dropColumn("j");
    t.bigInteger("big");
  }).then(() => "altered"));
  await step("knex columns again", async () => Object.entries(await k("kn").columnInfo()));
  await step("knex transaction", () => k.transaction(async (t) => {
    await t("kn").update({ big: 5 }).where({ id: 1 });
    return t("kn").where({ id: 1 }).forUpdate().first("big");
  }));
  await step("knex drop", () => k.schema.dropTable("kn").then(() => "dropped"));
  await k.destroy();
}

async function sequelize() {
  const { Sequelize, DataTypes, Op } = require("sequelize");
  const s = new Sequelize(url, { logging: false, define: { schema: "js", timestamps: false } });
  const of = s.getQueryInterface();
  await step("sequelize connect", () => s.authenticate());
  await step("sequelize columns", async () => Object.entries(await of.describeTable("base", { schema: "js" })));
  await step("sequelize indexes", async () =>
    (await of.showIndex({ tableName: "sub", schema: "js" })).map((i) => [i.name, i.unique, i.fields]));
  const Thing = s.define("thing", {
    name: { type: DataTypes.STRING, allowNull: false, unique: true },
    n: DataTypes.DECIMAL(8, 2), at: DataTypes.DATE, tags: DataTypes.ARRAY(DataTypes.TEXT), doc: DataTypes.JSONB,
  }, { indexes: [{ fields: ["n"] }] });
  const Part = s.define("part", { k: DataTypes.BIGINT });
  Part.belongsTo(Thing);
  Thing.hasMany(Part);
  await step("sequelize sync", () => s.sync({ force: true }).then(() => "made"));
  await step("sequelize alter", () => s.sync({ alter: true }).then(() => "altered"));
  await step("sequelize create", async () => (await Thing.create(
    { name: "x", n: "2.50", tags: ["a"], doc: { b: 2 }, at: new Date(0), parts: [{ k: 4 }, { k: 5 }] },
    { include: [Part] })).name);
  await step("sequelize find", async () => (await Thing.findAll(
    { include: [Part], where: { n: { [Op.gt]: 1 } }, order: [[Part, "k", "DESC"]] }))
    .map((t) => [t.name, t.n, t.at, t.tags, t.doc, t.parts.map((p) => p.k)])); // its parts are made side by side
  await step("sequelize upsert", async () => (await Thing.upsert({ name: "x", n: 9 }))[0].n);
  await step("sequelize transaction", () => s.transaction(async (transaction) => {
    await Thing.destroy({ where: { name: "x" }, transaction });
    return Thing.count({ transaction });
  }));
  await step("sequelize drop", () => s.drop().then(() => "dropped"));
  await s.close();
}

async function typeorm() {
  require("reflect-metadata");
  const { DataSource, EntitySchema } = require("typeorm");
  const entity = new EntitySchema({
    name: "ent", schema: "js", indices: [{ columns: ["n"] }],
    columns: {
      id: { type: "int", primary: true, generated: "increment" },
      name: { type: "varchar", length: 20, unique: true },
      n: { type: "numeric", precision: 8, scale: 2, nullable: true },
      at: { type: "timestamptz", createDate: true },
      tags: { type: "text", array: true, nullable: true },
    },
    relations: { kids: { type: "one-to-many", target: "kid", inverseSide: "ent", cascade: true } },
  });
  const kid = new EntitySchema({
    name: "kid", schema: "js",
    columns: { id: { type: "int", primary: true, generated: "increment" }, k: { type: "bigint" } },
    relations: { ent: { type: "many-to-one", target: "ent", joinColumn: true, onDelete: "CASCADE" } },
  });
  const d = await new DataSource({ type: "postgres", url, entities: [entity, kid], installExtensions: false }).initialize();
  await step("typeorm synchronize", () => d.synchronize().then(() => "made"));
  await step("typeorm again", async () => (await d.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query));
  await step("typeorm save", async () =>
    (await d.getRepository("ent").save({ name: "t", n: "1.50", tags: ["q"], kids: [{ k: "9" }] })).kids.length);
  await step("typeorm find", async () => (await d.getRepository("ent").find({ relations: { kids: true }, take: 1 }))
    .map((e) => [e.name, e.n, e.tags, e.kids.map((x) => x.k)]));
  await step("typeorm table", async () => {
    const runner = d.createQueryRunner();
    const table = await runner.getTable("js.sub");
    await runner.release();
    return [table.columns.map((c) => [c.name, c.type, c.isNullable, c.default, c.isGenerated, c.precision, c.scale]),
      table.foreignKeys.map((f) => [f.columnNames, f.referencedTableName, f.onDelete]),
      table.indices.map((i) => [i.name, i.columnNames]), table.checks.map((c) => [c.name, c.expression])];
  });
  await d.destroy();
}

async function others() {
  const { Pool } = require("pg");
  const pool = new Pool({ connectionString: url });
  const { drizzle } = require("drizzle-orm/node-postgres");
  const { eq, sql } = require("drizzle-orm");
  const core = require("drizzle-orm/pg-core");
  const base = core.pgSchema("js").table("base", {
    id: core.serial("id").primaryKey(), name: core.varchar("name", { length: 30 }).notNull(),
    v: core.doublePrecision("v"), tags: core.text("tags").array(),
  });
  const d = drizzle(pool);
  await step("drizzle select", () => d.select({ name: base.name, tags: base.tags }).from(base).where(eq(base.name, "a")));
  await step("drizzle upsert", () => d.insert(base).values({ name: "a", v: 3 })
    .onConflictDoUpdate({ target: base.name, set: { v: sql`excluded.v + 1` } }).returning({ v: base.v }));
  const { Kysely, PostgresDialect } = require("kysely");
  const k = new Kysely({ dialect: new PostgresDialect({ pool }) });
  await step("kysely tables", async () => (await k.introspection.getTables()).filter((t) => t.schema === "js")
    .map((t) => [t.name, t.columns.map((c) => [c.name, c.dataType, c.isNullable, c.hasDefaultValue, c.isAutoIncrementing])]));
  const pgp = require("pg-promise")({ noWarnings: true });
  await step("pg-promise batch", () => pgp(url).task((t) =>
    t.batch([t.any("SELECT name FROM js.base ORDER BY 1"), t.one("SELECT $1:name FROM js.base WHERE name = $2", ["v", "a"])])));
  await k.destroy();
  pgp.end();
}

async function main() {
  const { Client } = require("pg");
  const c = new Client(url);
  await c.connect();
  for (const sql of ["DROP SCHEMA IF EXISTS js CASCADE", "CREATE SCHEMA js",
    "CREATE TABLE js.base (id serial PRIMARY KEY, name varchar(30) NOT NULL UNIQUE, v float8 DEFAULT 1.5,"
      + " at timestamptz DEFAULT now(), tags text[], data jsonb)",
    "CREATE TABLE js.sub (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
      + " base_id int REFERENCES js.base(id) ON DELETE CASCADE, d date, n numeric(10,2), CHECK (n > 0))",
    "CREATE INDEX sub_d ON js.sub (d)", "INSERT INTO js.base (name, tags) VALUES ('a', '{x,y}'), ('b', NULL)"]) {
    await c.query(sql);
  }
  for (const each of [knex, sequelize, typeorm, others]) await each();
  await c.query("DROP SCHEMA js CASCADE");
  await c.end();
  console.log(JSON.stringify(told, null, 1));
}

main();
