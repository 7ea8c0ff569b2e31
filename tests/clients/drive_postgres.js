// postgres.js: tagged templates, arrays, inserts of objects, transactions, errors, cursors.
const assert = require('node:assert/strict')
const postgres = require('postgres')

const [host, port] = process.argv.slice(2)
const sql = postgres({ host, port: Number(port), user: 'tester', database: 'gradwire', max: 2 })

async function main () {
  const [row] = await sql`SELECT 1 AS n, ${'x'} AS t, ${5}::int4 + 1 AS p, ${[1, 2]}::int4[] AS a`
  assert.deepEqual({ ...row }, { n: 1, t: 'x', p: 6, a: [1, 2] })
  await sql`CREATE TABLE postgres_js (a int, b text, j jsonb)`
  const rows = [{ a: 1, b: 'x', j: { q: 1 } }, { a: 2, b: 'y', j: null }]
  await sql`INSERT INTO postgres_js ${sql(rows)}`
  const found = await sql`SELECT * FROM postgres_js WHERE a IN ${sql([1, 2])} ORDER BY a`
  assert.deepEqual(found.map(each => ({ ...each })), rows)
  await sql.begin(async inside => { await inside`UPDATE postgres_js SET a = a + 1` })
  await assert.rejects(
    sql.begin(async inside => {
      await inside`DELETE FROM postgres_js`
      await inside`SELECT 1 / 0`
    }),
    { code: '22012' })
  assert.deepEqual([...await sql`SELECT sum(a) AS s FROM postgres_js`.values()], [['5']])
  const read = []
  for await (const part of sql`SELECT * FROM generate_series(1, 5) AS g(x)`.cursor(2)) {
    read.push(part.map(each => each.x))
  }
  assert.deepEqual(read, [[1, 2], [3, 4], [5]])
  await sql`DROP TABLE postgres_js`
  await sql.end()
  console.log('node ok')
}

main().catch(error => { console.error(error); process.exit(1) })
