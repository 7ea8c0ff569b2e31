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
  await client.query('CREATE TEMP TABLE wide (n numeric(12,2), at timestamptz, m int[][], t text)')
  const rows = [['1234.50', new Date(1e12), [[1, 2], [3, 4]], 'a'], [null, null, null, null]]
  for (const row of rows) await client.query('INSERT INTO wide VALUES ($1, $2, $3, $4)', row)
  const kept = await client.query({ text: 'SELECT * FROM wide', rowMode: 'array' })
  assert.deepStrictEqual(kept.rows, rows)
  assert.strictEqual((await client.query('UPDATE wide SET t = t')).rowCount, 2)
  await client.query('BEGIN')
  await client.query('DELETE FROM wide')
  await assert.rejects(client.query('SELECT * FROM nowhere'), { code: '42P01' })
  await assert.rejects(client.query('SELECT 1'), { code: '25P02' })
  await client.query('ROLLBACK')
  assert.strictEqual((await client.query('SELECT count(*) AS c FROM wide')).rows[0].c, '2')
  const many = await client.query('SELECT n, n::text AS t FROM generate_series(1, 50000) AS g(n)')
  assert.strictEqual(many.rows.length, 50000)
  assert.strictEqual(many.rows[49999].t, '50000')
  const endless = 'SELECT sum(n) FROM generate_series(1, 1000000000000) AS g(n)'
  const other = new Client(where)
  await other.connect()
  const { rows: [{ pid }] } = await other.query('SELECT pg_backend_pid() AS pid')
  let running = true
  const cancelled = assert.rejects(other.query(endless), { code: '57014' })
    .finally(() => { running = false })
  while (running) { // the first may come before the statement does
    await client.query('SELECT pg_cancel_backend($1)', [pid])
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  await cancelled
  assert.strictEqual((await other.query('SELECT 1 AS a')).rows[0].a, 1)
  await other.query("SET statement_timeout = '50ms'")
  await assert.rejects(other.query(endless), { code: '57014' })
  const heard = new Promise(resolve => other.once('notification', resolve))
  await other.query("SET statement_timeout = 0; LISTEN news")
  await client.query("NOTIFY news, 'hello'")
  assert.strictEqual((await heard).payload, 'hello')
  await other.end()
  await client.end()
  const pool = new Pool({ ...where, max: 4 })
  const all = await Promise.all([...Array(40).keys()].map(n => pool.query('SELECT $1::int4 AS n', [n])))
  assert.deepStrictEqual(all.map(r => r.rows[0].n), [...Array(40).keys()])
  await pool.end()
  console.log('node ok')
}

main(process.argv[2], process.argv[3]).catch(error => { console.error(error); process.exit(1) })
