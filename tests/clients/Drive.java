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
            check(connection.isValid(5), "valid"); // an empty query
            System.out.println("jdbc ok");
        }
    }
}
