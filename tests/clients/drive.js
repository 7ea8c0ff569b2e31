// What test_others runs: node drive.js HOST PORT
const assert = require('assert')
const { Client, Pool } = require('pg')

async function main(host, port) {
  const where = { host, port: Number(port), user: 'me', database: 'd' }
  const client = new Client(where)
  await client.connect()
  const slope = 'SELECT grad(x * x * y, x) AS g FROM (VALUES ($1::float8, $2::float8)) AS t(x, y)'
  const first = await client.query(slope, [3, 2])
  assert.deepStrictEqual(first.rows, [{ g: 12 }])
  for (let n = 0; n < 7; n++) {
    const named = await client.query({ name: 'slope', text: slope, values: [n, 1] })
    assert.strictEqual(named.rows[0].g, 2 * n)
  }
  await assert.rejects(client.query('SELECT 1 / 0'), { code: '22012' })
  await assert.rejects(client.query('SELECT $1::int4', ['x']), { code: '22P02' })
  const values = await client.query(
    'SELECT $1::int4[] AS a, $2::text AS t, $3::timestamptz AS m, $4::jsonb AS j, $5::bytea AS b',
    [[1, null, 3], "größe'", new Date(0), { k: [1] }, Buffer.from([0, 255])])
  assert.deepStrictEqual(values.rows[0].a, [1, null, 3])
  assert.strictEqual(values.rows[0].t, "größe'")
  assert.strictEqual(values.rows[0].m.getTime(), 0)
  assert.deepStrictEqual(values.rows[0].j, { k: [1] })
  assert.deepStrictEqual(values.rows[0].b, Buffer.from([0, 255]))
  const several = await client.query('SELECT 1::int4 AS a; SELECT 2::int4 AS b')
  assert.deepStrictEqual(several.map(r => r.rows[0]), [{ a: 1 }, { b: 2 }])
  await client.end()
  const pool = new Pool({ ...where, max: 4 })
  const all = await Promise.all([...Array(40).keys()].map(n => pool.query('SELECT $1::int4 AS n', [n])))
  assert.deepStrictEqual(all.map(r => r.rows[0].n), [...Array(40).keys()])
  await pool.end()
  console.log('node ok')
}

main(process.argv[2], process.argv[3]).catch(error => { console.error(error); process.exit(1) })
