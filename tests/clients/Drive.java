// What test_others runs: java -cp postgresql.jar Drive.java HOST PORT
import java.sql.*;

public class Drive {
    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    public static void main(String[] words) throws Exception {
        String url = "jdbc:postgresql://" + words[0] + ":" + words[1] + "/d";
        try (Connection connection = DriverManager.getConnection(url, "me", "")) {
            String slope = "SELECT grad(x * x * y, x) FROM (VALUES (CAST(? AS float8), CAST(? AS float8))) AS t(x, y)";
            try (PreparedStatement statement = connection.prepareStatement(slope)) {
                for (int n = 0; n < 9; n++) { // named and binary from the fifth on
                    statement.setDouble(1, n);
                    statement.setDouble(2, 1.0);
                    try (ResultSet rows = statement.executeQuery()) {
                        check(rows.next() && rows.getDouble(1) == 2.0 * n, "slope " + n);
                    }
                }
            }
            try (PreparedStatement statement = connection.prepareStatement(
                    "SELECT ?::int4, ?::text, ?::timestamp, ?::bool, ?::numeric, ?::bytea, ?::date")) {
                for (int n = 0; n < 7; n++) {
                    statement.setInt(1, n);
                    statement.setString(2, "größe'");
                    statement.setTimestamp(3, Timestamp.valueOf("2013-01-02 03:04:05"));
                    statement.setBoolean(4, true);
                    statement.setBigDecimal(5, new java.math.BigDecimal("12.50"));
                    statement.setBytes(6, new byte[] {0, -1});
                    statement.setDate(7, Date.valueOf("1999-01-08"));
                    try (ResultSet rows = statement.executeQuery()) {
                        check(rows.next(), "a row");
                        check(rows.getInt(1) == n && rows.getString(2).equals("größe'"), "int, text");
                        check(rows.getTimestamp(3).equals(Timestamp.valueOf("2013-01-02 03:04:05")), "timestamp");
                        check(rows.getBoolean(4) && rows.getBigDecimal(5).compareTo(new java.math.BigDecimal("12.50")) == 0, "bool, numeric");
                        check(rows.getBytes(6)[1] == -1 && rows.getDate(7).equals(Date.valueOf("1999-01-08")), "bytea, date");
                    }
                }
            }
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(10); // a portal with a row limit
                try (ResultSet rows = statement.executeQuery("SELECT n FROM generate_series(1, 95) AS t(n)")) {
                    long sum = 0;
                    while (rows.next()) sum += rows.getLong(1);
                    check(sum == 95 * 96 / 2, "fetch size");
                }
                try {
                    statement.executeQuery("SELECT 1 / 0");
                    check(false, "divided by zero");
                } catch (SQLException error) {
                    check(error.getSQLState().equals("22012"), error.getSQLState());
                }
                connection.rollback();
                statement.setMaxRows(3);
                try (ResultSet rows = statement.executeQuery("SELECT n FROM generate_series(1, 95) AS t(n)")) {
                    int count = 0;
                    while (rows.next()) count++;
                    check(count == 3, "max rows");
                }
            }
            connection.commit();
            check(connection.isValid(300), "valid"); // an empty query
            try (Connection other = DriverManager.getConnection(url, "me", "")) {
                more(connection, other);
            }
            System.out.println("jdbc ok");
        }
    }

    static void more(Connection connection, Connection other) throws Exception {
        connection.setAutoCommit(true);
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMP TABLE kept (id int, a int[], n numeric(20, 4), at timestamptz)");
        }
        java.time.OffsetDateTime at = java.time.OffsetDateTime.parse("2024-02-29T12:00:00.000001Z");
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO kept VALUES (?, ?, ?, ?)")) {
            for (int n = 0; n < 20; n++) {
                statement.setInt(1, n);
                statement.setArray(2, connection.createArrayOf("int4", new Integer[] {n, null, -n}));
                statement.setBigDecimal(3, new java.math.BigDecimal("12345678901234.5678"));
                statement.setObject(4, n % 2 == 0 ? at : null);
                statement.addBatch();
            }
            int[] counts = statement.executeBatch();
            check(counts.length == 20 && counts[19] == 1, "batch");
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM kept WHERE id >= ? ORDER BY id")) {
            for (int turn = 0; turn < 7; turn++) { // binary from the fifth on
                statement.setInt(1, 18);
                try (ResultSet rows = statement.executeQuery()) {
                    check(rows.next() && rows.getInt(1) == 18, "id");
                    Integer[] items = (Integer[]) rows.getArray(2).getArray();
                    check(items[0] == 18 && items[1] == null && items[2] == -18, "array");
                    check(rows.getBigDecimal(3).toString().equals("12345678901234.5678"), "numeric");
                    check(rows.getObject(4, java.time.OffsetDateTime.class).isEqual(at), "timestamptz");
                    check(rows.next() && rows.getObject(4) == null && rows.wasNull() && !rows.next(), "null");
                    check(rows.getMetaData().getColumnTypeName(3).equals("numeric"), "type name");
                    check(rows.getMetaData().getScale(3) == 4, "scale");
                }
            }
        }
        var copies = connection.unwrap(org.postgresql.PGConnection.class).getCopyAPI();
        check(copies.copyIn("COPY kept FROM STDIN (FORMAT csv)", new java.io.StringReader("100,{1},2.5,\n")) == 1, "copy in");
        var out = new java.io.StringWriter();
        check(copies.copyOut("COPY (SELECT id, n FROM kept WHERE id = 100) TO STDOUT", out) == 1, "copy out");
        check(out.toString().equals("100\t2.5000\n"), out.toString());
        try (Statement statement = connection.createStatement()) {
            String endless = "SELECT sum(n) FROM generate_series(1, 1000000000000) AS g(n)";
            Thread canceller = new Thread(() -> { // it cancels once, and a statement that runs
                try (PreparedStatement running = other.prepareStatement("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = ?")) {
                    running.setString(1, endless);
                    while (!running.executeQuery().next()) { }
                    statement.cancel();
                } catch (SQLException error) {
                    throw new IllegalStateException(error);
                }
            });
            canceller.start();
            try {
                statement.executeQuery(endless);
                check(false, "cancelled");
            } catch (SQLException error) {
                check(error.getSQLState().equals("57014"), error.getSQLState());
            } finally {
                canceller.join();
            }
        }
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("DELETE FROM kept");
            Savepoint savepoint = connection.setSavepoint();
            try {
                statement.executeQuery("SELECT * FROM nowhere");
                check(false, "nowhere");
            } catch (SQLException error) {
                var told = ((org.postgresql.util.PSQLException) error).getServerErrorMessage();
                check(told.getSQLState().equals("42P01") && told.getPosition() == 15, "position");
                check(told.getFile().endsWith(".py") && told.getLine() > 0 && told.getRoutine() != null, "place");
            }
            connection.rollback(savepoint);
            connection.rollback();
            try (ResultSet rows = statement.executeQuery("SELECT count(*) FROM kept")) {
                check(rows.next() && rows.getLong(1) == 21, "rolled back");
            }
            try (ResultSet rows = statement.executeQuery("SELECT n, n::text FROM generate_series(1, 50000) AS g(n)")) {
                int count = 0;
                while (rows.next()) count++;
                check(count == 50000, "many");
            }
        }
        connection.commit();
    }
}
