"""Random questions about the sample flights: Millrace's answers are DuckDB's, from SQL."""

import bisect
import csv
import datetime
import gzip
import json
import math
import os
import random
import tempfile
import zoneinfo

import duckdb
import requests

from broker import equal, eventually
from system import System as FIXTURE

SAMPLE = os.path.join(os.path.dirname(__file__), "../../samples/flights-2013-01.ndjson.gz")
QUESTIONS = 400
NUMBERS = ["departure.delay", "arrival.delay", "distance", "air_time", "flight"]
TEXTS = ["carrier.code", "carrier.name", "origin", "dest", "tailnum"]
FEW = ["carrier.code", "origin", "cancelled", "dest"]
TYPES = {**{n: "DOUBLE" for n in NUMBERS}, **{t: "VARCHAR" for t in TEXTS}, "cancelled": "BOOLEAN"}
ZONES = [None, "UTC", "US/Eastern", "Asia/Kathmandu", 3600, -28800]


def flattened(value, path="", into=None):
    into = {} if into is None else into
    for name, member in value.items():
        inner = f"{path}.{name}" if path else name
        if isinstance(member, dict):
            flattened(member, inner, into)
        else:
            into[inner] = member
    return into


def milliseconds(time):
    return round(time.timestamp() * 1000)


def load():
    """The sample as a table of DuckDB, with its times as milliseconds."""
    database = duckdb.connect()
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as table:
        rows = csv.writer(table)
        with gzip.open(SAMPLE, "rt") as lines:
            for line in lines:
                event = flattened(json.loads(line))
                time = datetime.datetime.fromisoformat(event["keen.timestamp"])
                rows.writerow([milliseconds(time)] + [event.get(name) for name in TYPES])
        table.flush()
        columns = {"time": "BIGINT", **TYPES}
        database.execute(
            f"CREATE TABLE flights AS SELECT * FROM read_csv('{table.name}', header=false, "
            f"columns={columns}, nullstr='', auto_detect=false, delim=',', quote='\"')")
    return database


def quoted(name):
    return '"' + name + '"'


def literal(value):
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower() if isinstance(value, bool) else repr(value)


class Questions:
    """Random questions, each as parameters of the API and as SQL."""

    def __init__(self, seed, database):
        self.random = random.Random(seed)
        self.known = {}
        for name in TYPES:
            values = database.execute(
                f"SELECT DISTINCT {quoted(name)} FROM flights WHERE {quoted(name)} IS NOT NULL "
                "ORDER BY 1").fetchall()
            self.known[name] = [value for (value,) in values]

    def value(self, name):
        value = self.random.choice(self.known[name])
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def filter(self, depth=0):
        pick = self.random.choice
        if depth < 2 and self.random.random() < 0.2:
            word = pick(["or", "and", "not"])
            parts = [self.filter(depth + 1) for _ in range(1 if word == "not" else 2)]
            sql = f" {word} ".join(part[1] for part in parts)
            sql = f"(NOT {sql})" if word == "not" else f"({sql})"
            return {"operator": word, "operands": [part[0] for part in parts]}, sql
        name = pick(list(TYPES))
        words = ["eq", "ne", "in", "exists"]
        if name in NUMBERS:
            words += ["lt", "lte", "gt", "gte"] * 2
        if name in TEXTS:
            words += ["contains", "not_contains", "regex", "lt", "gte"]
        word, column, value = pick(words), quoted(name), self.value(name)
        if word == "in":
            value = [self.value(name) for _ in range(3)]
            sql = f"coalesce({column} IN ({', '.join(map(literal, value))}), false)"
        elif word == "exists":
            value = self.random.random() < 0.5
            sql = f"({column} IS {'NOT ' if value else ''}NULL)"
        elif word in ("contains", "not_contains"):
            start = self.random.randrange(len(value))
            value = value[start:start + 2]
            sql = f"coalesce(contains({column}, {literal(value)}), false)"
            sql = sql if word == "contains" else f"(NOT {sql})"
        elif word == "regex":
            value = pick(["^[A-C]", "[0-9]{3}[A-Z]{2}$", "Air (Lines|ways)", "(?i)air", "N1.*Q", "S$"])
            sql = f"coalesce(regexp_matches({column}, {literal(value)}), false)"
        elif word in ("eq", "ne"):
            sql = f"({column} IS {'NOT ' if word == 'eq' else ''}DISTINCT FROM {literal(value)})"
        else:
            sign = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[word]
            sql = f"coalesce({column} {sign} {literal(value)}, false)"
        return {"property_name": name, "operator": word, "property_value": value}, sql

    def figure(self):
        """Parameters, SQL, and what it is of no events."""
        word = self.random.choice([
            "count", "count_unique", "sum", "average", "minimum", "maximum", "median",
            "percentile", "standard_deviation", "select_unique"])
        if word == "count":
            return {"analysis_type": word}, "count(*)", 0
        texts = word in ("count_unique", "select_unique")
        name = self.random.choice(FEW + ["tailnum", "distance"] if texts else NUMBERS)
        column, more, empty = quoted(name), {}, None
        if word == "count_unique":
            sql, empty = f"count(DISTINCT {column})", 0
        elif word == "select_unique":
            sql = f"list_sort(list(DISTINCT {column}) FILTER ({column} IS NOT NULL))"
            sql, empty = f"coalesce({sql}, [])", []
        elif word in ("median", "percentile"):
            hundredths = 5000
            if word == "percentile":
                hundredths = self.random.choice([1, 1000, 2500, 9000, 9900, 9990, 10000])
                more = {"percentile": hundredths / 100}
            values = f"list({column} ORDER BY {column}) FILTER ({column} IS NOT NULL)"
            sql = f"({values})[(count({column}) * {hundredths} + 9999) // 10000]"
        elif word == "sum":
            sql, empty = f"coalesce(sum({column}), 0)", 0
        else:
            function = {
                "average": "avg", "minimum": "min", "maximum": "max",
                "standard_deviation": "stddev_pop"}[word]
            sql = f"{function}({column})"
        return {"analysis_type": word, "target_property": name, **more}, sql, empty


def buckets(start, end, interval, zone):
    """The boundaries of calendar intervals, by Python's own calendar."""
    if zone is None or isinstance(zone, int):
        zone = datetime.timezone(datetime.timedelta(seconds=zone or 0))
    else:
        zone = zoneinfo.ZoneInfo(zone)
    edges, local = [start], datetime.datetime.fromtimestamp(start / 1000, zone).replace(tzinfo=None)
    first = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "weekly":
        first -= datetime.timedelta(days=(first.weekday() + 1) % 7)
    if interval == "monthly":
        first = first.replace(day=1)
    while edges[-1] < end:
        if interval == "monthly":
            first = (first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
        else:
            first += datetime.timedelta(days=7 if interval == "weekly" else 1)
        edge = min(milliseconds(first.replace(tzinfo=zone)), end)
        if edge > edges[-1]:
            edges.append(edge)
    return edges


def same(found, wanted):
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(
            map(same, found, wanted))
    if isinstance(wanted, dict):
        return isinstance(found, dict) and list(found) == list(wanted) and all(
            same(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, float) and not isinstance(found, (str, bool, type(None))):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return found == wanted


class Asker:
    def __init__(self, system, database, seed):
        self.system, self.database = system, database
        self.questions = Questions(seed, database)
        self.session = requests.Session()
        self.session.headers["Authorization"] = system.project["read_key"]

    def api(self, parameters):
        analysis = parameters["analysis_type"]
        answer = self.session.post(f"{self.system.url}/queries/{analysis}", json=parameters)
        assert answer.status_code == 200, f"{parameters}: {answer.text}"
        return answer.json()["result"]

    def ask(self):
        questions, pick = self.questions, self.questions.random.choice
        parameters, labels, sqls, empties = self.figures()
        filters = [questions.filter() for _ in range(pick([0, 1, 2]))]
        zone, where = pick(ZONES), [sql for _, sql in filters]
        parameters |= {"event_collection": "flights", "filters": [one for one, _ in filters]}
        if zone is not None:
            parameters["timezone"] = zone
        edges = []
        if pick([True, False]):
            start = 1357016400000 + questions.random.randrange(20 * 86400) * 1000
            end = start + questions.random.randrange(1, 14 * 86400) * 1000
            where.append(f"(time >= {start} AND time < {end})")
            parameters["timeframe"] = {
                name: datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc).isoformat()
                for name, at in (("start", start), ("end", end))}
            if pick([True, False]):
                parameters["interval"] = pick(["daily", "weekly", "monthly"])
                edges = buckets(start, end, parameters["interval"], zone)
        groups = questions.random.sample(FEW, pick([0, 0, 1, 2]))
        top = ""
        if groups:
            parameters["group_by"] = groups
            if not edges and "select_unique" not in json.dumps(parameters) and pick([True, False]):
                direction, limit = pick(["ASC", "DESC"]), pick([1, 3, 10])
                parameters["order_by"] = {"property_name": labels[0], "direction": direction}
                parameters["limit"] = limit
                # Rounded, so that what is equal but for its last bits is in the order of the groups.
                top = f"f0 {direction} NULLS LAST, "
        wanted = self.sql(labels, sqls, empties, where, groups, edges, top, parameters)
        found = self.api(parameters)
        if edges:
            found = [record["value"] for record in found]
        assert same(found, wanted), (
            f"{json.dumps(parameters)}\nfound  {str(found)[:1500]}\nwanted {str(wanted)[:1500]}")

    def figures(self):
        """One, or several of a multi_analysis, some with filters of their own."""
        questions = self.questions
        if questions.random.random() < 0.7:
            one, sql, empty = questions.figure()
            return one, ["result"], [sql], [empty]
        analyses, sqls, empties = {}, [], []
        for number in range(questions.random.randrange(1, 4)):
            one, sql, empty = questions.figure()
            if one["analysis_type"] == "count" and questions.random.random() < 0.6:
                own, where = questions.filter()
                one["filters"] = [own]
                sql = f"count(*) FILTER ({where})"
            analyses[f"label {number}"] = one
            sqls.append(sql)
            empties.append(empty)
        return ({"analysis_type": "multi_analysis", "analyses": analyses}, list(analyses), sqls,
                empties)

    def sql(self, labels, sqls, empties, where, groups, edges, top, parameters):
        keys = [quoted(name) for name in groups]
        chosen = ", ".join(keys + [f"{sql} AS f{n}" for n, sql in enumerate(sqls)])
        condition = " AND ".join(where) or "true"

        def rows(condition, top=""):
            text = f"SELECT {chosen} FROM flights WHERE {condition}"
            if keys:
                text += f" GROUP BY {', '.join(keys)} ORDER BY {top}"
                text += ", ".join(f"{key} NULLS LAST" for key in keys)
                text += f" LIMIT {parameters['limit']}" if top else ""
            return self.database.execute(text).fetchall()

        def value(figures):
            if parameters["analysis_type"] == "multi_analysis":
                return dict(zip(labels, figures))
            return figures[0]

        def record(key, figures):
            return dict(zip(groups, key)) | dict(zip(labels, figures))

        width = len(groups)
        if not edges:
            found = rows(condition, top)
            if not groups:
                return value(found[0])
            return [record(row[:width], row[width:]) for row in found]
        all_keys = [row[:width] for row in rows(condition)] if groups else []
        answer = []
        for low, high in zip(edges, edges[1:]):
            inside = rows(f"{condition} AND time >= {low} AND time < {high}")
            if groups:
                known = {row[:width]: row[width:] for row in inside}
                answer.append([record(key, known.get(key, empties)) for key in all_keys])
            else:
                answer.append(value(inside[0]))
        return answer


def flights(system):
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"seed {seed}")
    system.run("import", SAMPLE, "--collection", "flights")
    database = load()
    asker = Asker(system, database, seed)
    count = {"analysis_type": "count", "event_collection": "flights"}
    total = database.execute("SELECT count(*) FROM flights").fetchone()[0]
    eventually(lambda: asker.api(count) == total, "all flights can be counted", 40)
    for number in range(QUESTIONS):
        try:
            asker.ask()
        except AssertionError as error:
            raise AssertionError(f"SEED={seed}, question {number}: {error}") from None
