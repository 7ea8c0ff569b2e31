# RPostgreSQL: Rscript drive.R PORT. Prints what each step gave: the same on every server.
library(DBI)
con <- dbConnect(RPostgreSQL::PostgreSQL(), host = "127.0.0.1",
                 port = as.integer(commandArgs(TRUE)[1]), user = "postgres", dbname = "postgres")
dbWriteTable(con, "rt", data.frame(n = 1:3, s = c("a", "b", NA), f = c(1.5, NA, 3), ok = c(TRUE, FALSE, NA),
                                   d = as.Date("2020-01-01") + 0:2), row.names = FALSE)
print(dbExistsTable(con, "rt"))
print(dbListFields(con, "rt"))
str(dbReadTable(con, "rt"))
result <- dbSendQuery(con, "SELECT * FROM rt WHERE n > 1")
print(dbColumnInfo(result)[, 1:5])
print(fetch(result, 1))
print(fetch(result, -1))
invisible(dbClearResult(result))
dbWriteTable(con, "rt", data.frame(n = 9L, s = "z", f = 0, ok = TRUE, d = as.Date("2021-01-01")),
             append = TRUE, row.names = FALSE)
print(dbGetQuery(con, "SELECT count(*)::int AS c, max(d) AS m, sum(f) AS f, ARRAY[1, 2] AS a,
                       1.5::numeric AS n, timestamp '2020-01-01 10:00' AS ts FROM rt"))
invisible(dbBegin(con))
invisible(dbSendQuery(con, "DELETE FROM rt"))
invisible(dbRollback(con))
print(dbGetQuery(con, "SELECT count(*)::int AS c FROM rt"))
invisible(dbRemoveTable(con, "rt"))
invisible(dbDisconnect(con))
