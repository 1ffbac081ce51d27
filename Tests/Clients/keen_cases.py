"""Keen's own Python client, every call that it has, against a whole system."""

import datetime
import json
import urllib.request

from keen import scoped_keys
from keen.client import KeenClient

from broker import equal, eventually
from system import System

MAY = {"start": "2020-05-01T00:00:00Z", "end": "2020-05-04T00:00:00Z"}


class FIXTURE(System):
    """With a command for mail that keeps what it gets."""

    def __init__(self, executable, settings=None):
        super().__init__(executable, settings)
        self.mails = f"{self.directory}/mails"
        self.settings["query.mail_command"] = f"/usr/bin/tee -a {self.mails}"

    def mail(self):
        try:
            with open(self.mails) as text:
                return text.read()
        except FileNotFoundError:
            return ""


def client_of(system, **keys):
    project = system.project
    keys = keys or {f"{name}_key": project[f"{name}_key"] for name in ("write", "read", "master")}
    return KeenClient(project["id"], base_url=system.api, **keys)


def fails(call, code):
    """The client raises what the server said."""
    try:
        call()
    except Exception as error:
        assert code in str(error), f"expected {code}: {error!r}"
        return
    raise AssertionError(f"expected {code}")


def day(number):
    return {
        "start": f"2020-05-0{number}T00:00:00.000Z", "end": f"2020-05-0{number + 1}T00:00:00.000Z"}


def write(client):
    """Six orders by three people on three days, and two visits."""
    totals = [10, 20, 30.5, 5, None, "x"]
    orders = [
        {"total": total, "user": {"id": f"u{n % 3}", "plan": ["free", "pro", None][n % 3]},
         "tags": ["a", "b"][: n % 3], "keen": {"timestamp": f"2020-05-0{1 + n // 2}T10:00:00Z"}}
        for n, total in enumerate(totals)]
    client.add_event("orders", orders[0])
    when = datetime.datetime(2020, 5, 1, 10, 0, 0)
    client.add_event("orders", {k: v for k, v in orders[1].items() if k != "keen"}, timestamp=when)
    visits = [
        {"user": {"id": name}, "keen": {"timestamp": "2020-05-01T09:00:00.000+0000"}}
        for name in ("u0", "u1", "u9")]
    answer = client.add_events({"orders": orders[2:] + [{"a.b": 1}], "page visits/x": visits})
    equal([result["success"] for result in answer["orders"]], [True] * 4 + [False])
    equal(answer["orders"][4]["error"]["name"], "InvalidPropertyNameError")
    eventually(
        lambda: client.count("orders", timeframe=MAY) == 6
        and client.count("page visits/x", timeframe=MAY) == 3, "the events can be counted")


def figures(client):
    def ask(analysis, *more, **named):
        return getattr(client, analysis)("orders", *more, timeframe=MAY, **named)

    equal(ask("sum", "total"), 65.5)
    equal(ask("minimum", "total"), 5)
    equal(ask("maximum", "total"), 30.5)
    equal(ask("average", "total"), 16.375)
    equal(ask("median", "total"), 10)
    equal(ask("percentile", "total", 100), 30.5)
    equal(ask("count_unique", "user.id"), 3)
    equal(ask("select_unique", "user.id"), ["u0", "u1", "u2"])
    equal(ask("select_unique", "nothing"), [])
    equal(ask("maximum", "nothing"), None)
    over = [{"property_name": "total", "operator": "gt", "property_value": 9}]
    equal(ask("count", filters=over), 3)
    equal(ask("count", filters=over, timezone=-28800, max_age=300), 3)
    equal(ask("count", interval="daily"), [
        {"timeframe": day(n), "value": 2} for n in (1, 2, 3)])
    equal(ask("count", group_by="user.plan"), [
        {"user.plan": "free", "result": 2}, {"user.plan": "pro", "result": 2},
        {"user.plan": None, "result": 2}])
    top = {"property_name": "result", "direction": "DESC"}
    equal(ask("sum", "total", group_by=["user.plan", "user.id"], order_by=top, limit=1), [
        {"user.plan": None, "user.id": "u2", "result": 30.5}])
    equal(ask("sum", "total", group_by="user.plan", interval="daily", order_by=[top], limit=1)[0], {
        "timeframe": day(1), "value": [{"user.plan": "pro", "result": 20}]})
    analyses = {
        "n": {"analysis_type": "count"},
        "p": {"analysis_type": "percentile", "target_property": "total", "percentile": 50}}
    equal(ask("multi_analysis", analyses), {"n": 6, "p": 10})
    equal(ask("multi_analysis", analyses, interval="daily")[2], {
        "timeframe": day(3), "value": {"n": 2, "p": None}})
    equal(ask("multi_analysis", analyses, group_by="user.id")[0], {
        "user.id": "u0", "n": 2, "p": 5})
    steps = [
        {"event_collection": "page visits/x", "actor_property": "user.id"},
        {"event_collection": "orders", "actor_property": "user.id", "with_actors": True}]
    equal(client.funnel(steps, timeframe=MAY), [3, 2])
    whole = client.funnel(steps, timeframe=MAY, all_keys=True)
    equal(whole["actors"], [None, ["u0", "u1"]])
    equal([step["event_collection"] for step in whole["steps"]], ["page visits/x", "orders"])
    latest = client.extraction("orders", timeframe=MAY, latest=2, property_names=["total"])
    equal(len(latest), 2)
    some = client.extraction("orders", timeframe=MAY, property_names="user.id", filters=over)
    equal(sorted(event["user"]["id"] for event in some), ["u0", "u1", "u2"])
    equal({len(event) for event in some}, {1})
    events = client.extraction("orders", timeframe=MAY)
    equal(len(events), 6)
    assert set(events[0]["keen"]) == {"id", "created_at", "timestamp"}, events[0]
    fails(lambda: client.count("orders", timeframe="lastish_week"), "TimeframeDefinitionError")
    fails(lambda: client.sum("orders", "", timeframe=MAY), "MissingRequiredRequestFieldError")
    fails(lambda: client.extraction("orders", email="example.test"), "InvalidParameterError")


def schemas(client):
    orders = client.get_collection("orders")
    equal(orders["properties"]["user.id"], "string")
    equal(orders["properties"]["keen.timestamp"], "datetime")
    equal(sorted(c["name"] for c in client.get_all_collections()), ["orders", "page visits/x"])


def saved(client):
    query = {
        "query": {"analysis_type": "count", "event_collection": "orders", "timeframe": MAY},
        "refresh_rate": 0, "metadata": {"display_name": "Orders"}}
    made = client.saved_queries.create("orders-saved", query)
    equal(made["query_name"], "orders-saved")
    equal(client.saved_queries.results("orders-saved")["result"], 6)
    changed = client.saved_queries.update(
        "orders-saved", {"query": {"group_by": "user.plan"}, "refresh_rate": 14400})
    equal((changed["refresh_rate"], changed["metadata"]), (14400, {"display_name": "Orders"}))
    equal(len(client.saved_queries.results("orders-saved")["result"]), 3)
    equal(client.saved_queries.get("orders-saved")["query"]["group_by"], ["user.plan"])
    client.saved_queries.update_full("orders-saved", json.dumps(query))
    equal(client.saved_queries.results("orders-saved")["result"], 6)
    equal([one["query_name"] for one in client.saved_queries.all()], ["orders-saved"])
    equal(client.saved_queries.delete("orders-saved"), True)
    fails(lambda: client.saved_queries.get("orders-saved"), "ResourceNotFoundError")


def datasets(client):
    query = {
        "analysis_type": "sum", "event_collection": "orders", "target_property": "total",
        "timeframe": MAY, "timezone": "UTC", "interval": "daily", "group_by": ["user.plan"]}
    made = client.cached_datasets.create("by-user", query, "user.id", "Orders by user")
    equal((made["dataset_name"], made["index_by"]), ("by-user", ["user.id"]))
    equal(client.cached_datasets.get("by-user")["display_name"], "Orders by user")
    wanted = [
        {"timeframe": day(1), "value": [{"user.plan": "free", "result": 10}]},
        {"timeframe": day(2), "value": [{"user.plan": "free", "result": 5}]}]
    frame = {"start": MAY["start"], "end": "2020-05-03T00:00:00Z"}
    for index in ("u0", ["u0"], {"user.id": "u0"}):
        results = client.cached_datasets.results("by-user", index, frame)
        equal(results["result"], wanted)
    equal(len(client.cached_datasets.results("by-user", "u0", "this_2_days")["result"]), 2)
    equal([one["dataset_name"] for one in client.cached_datasets.all()["datasets"]], ["by-user"])
    equal(client.cached_datasets.delete("by-user"), True)
    fails(lambda: client.cached_datasets.get("by-user"), "ResourceNotFoundError")


def access_keys(client, system):
    pro = [{"property_name": "user.plan", "operator": "eq", "property_value": "pro"}]
    made = client.create_access_key(
        "pro only", permitted=["queries"], options={"queries": {"filters": pro}})
    key = made["key"]
    equal(client.get_access_key(key), made)
    equal([one["key"] for one in client.list_access_keys()], [key])
    narrow = client_of(system, read_key=key, write_key=key)
    equal(narrow.count("orders", timeframe=MAY), 2)
    fails(lambda: narrow.add_event("orders", {}), "InvalidApiKeyError")
    client.update_access_key_name(key, "other")
    client.add_access_key_permissions(key, ["writes", "schema"])
    equal(set(client.get_access_key(key)["permitted"]), {"queries", "writes", "schema"})
    client.remove_access_key_permissions(key, ["schema"])
    client.update_access_key_options(
        key, {"queries": {"filters": pro}, "writes": {"autofill": {"user": {"plan": "pro"}}}})
    eventually(lambda: writes(narrow), "the key may write")
    eventually(lambda: narrow.count("orders", timeframe="this_2_days") == 1, "what it wrote is there")
    equal(narrow.extraction("orders", timeframe="this_2_days")[0]["user"], {"id": "u7", "plan": "pro"})
    client.update_access_key_permissions(key, ["queries"])
    equal(client.revoke_access_key(key)["is_active"], False)
    fails(lambda: narrow.count("orders", timeframe=MAY), "InvalidApiKeyError")
    equal(client.unrevoke_access_key(key)["is_active"], True)
    equal(narrow.count("orders", timeframe=MAY), 2)
    full = client.update_access_key_full(key, "last", True, ["queries"], {})
    equal((full["name"], narrow.count("orders", timeframe=MAY)), ("last", 6))
    client.delete_access_key(key)
    fails(lambda: narrow.count("orders", timeframe=MAY), "InvalidApiKeyError")


def writes(client):
    """The collectors learn of a change a moment after the query servers."""
    try:
        client.add_event("orders", {"user": {"id": "u7", "plan": "free"}})
        return True
    except Exception:
        return False


def scoped(client, system):
    """Keys that the client makes by itself."""
    master = system.project["master_key"]
    pro = [{"property_name": "user.plan", "operator": "eq", "property_value": "pro"}]

    def key(options):
        return scoped_keys.encrypt(master, options).decode()

    # 32 bytes, which that client does not pad, and others that it does.
    reads = client_of(system, read_key=key({"allowed_operations": ["read"]}))
    equal(reads.count("orders", timeframe=MAY), 6)
    both = key({"allowed_operations": ["read", "write"], "filters": pro})
    equal(scoped_keys.decrypt(master, both)["filters"], pro)
    narrow = client_of(system, read_key=both, write_key=both, master_key=both)
    equal(narrow.count("orders", timeframe=MAY), 2)
    equal(narrow.select_unique("orders", "user.plan", timeframe=MAY), ["pro"])
    equal(narrow.get_collection("orders")["properties"]["user.id"], "string")
    narrow.add_event("scoped", {"n": 1, "user": {"plan": "free", "id": "u8"}})
    eventually(lambda: narrow.count("scoped", timeframe="this_2_days") == 1, "what it wrote is there")
    equal(client.extraction("scoped", timeframe="this_2_days")[0]["user"], {"id": "u8", "plan": "pro"})
    fails(lambda: narrow.delete_events("scoped"), "InvalidApiKeyError")
    fails(lambda: client_of(system, write_key=key({"allowed_operations": ["read"]})).add_event(
        "scoped", {}), "InvalidApiKeyError")
    fails(lambda: client_of(system, read_key=both[:-2]).count("orders"), "multiple of 32")
    fails(lambda: client_of(system, read_key=key({})).count("orders"), "InvalidApiKeyError")
    above = [{"property_name": "n", "operator": "gt", "property_value": 1}]
    write = key({"allowed_operations": ["write"], "filters": above})
    fails(lambda: client_of(system, write_key=write).add_event("scoped", {}), "RequestForbiddenError")


def mailed(client, system):
    answer = client.extraction("orders", timeframe=MAY, email="ann@example.test")
    equal(answer, "Processing. Check the specified email for the extraction results.")
    eventually(lambda: system.mail().endswith(".\n"), "the mail is there")
    lines = system.mail().split("\n")
    equal(lines[0], "To: ann@example.test")
    link = next(line for line in lines if line.startswith("http"))
    with urllib.request.urlopen(link) as file:
        equal(file.headers["content-type"], "text/csv; charset=utf-8")
        equal(len(file.read().decode().strip().split("\r\n")), 7)


def beacon(client, system):
    sender = client_of(system, write_key=system.project["write_key"].encode())
    url = sender.generate_image_beacon("opens", {"n": 1, "what": "é>?~"})
    with urllib.request.urlopen(url) as answer:
        assert answer.status in (200, 201), answer.status
    eventually(lambda: client.count("opens", timeframe="this_2_days") == 1, "the beacon counts")
    equal(client.select_unique("opens", "what", timeframe="this_2_days"), ["é>?~"])


def deletes(client):
    below = [{"property_name": "total", "operator": "lt", "property_value": 9}]
    equal(client.delete_events("orders", timeframe=MAY, filters=below), True)
    eventually(lambda: client.count("orders", timeframe=MAY) == 5, "the event is gone")
    equal(client.delete_events("orders"), True)
    eventually(
        lambda: client.count("orders", timeframe=MAY) == 0, "all of the collection's are gone")


def every_call(system):
    client = client_of(system)
    write(client)
    figures(client)
    schemas(client)
    saved(client)
    datasets(client)
    access_keys(client, system)
    scoped(client, system)
    mailed(client, system)
    beacon(client, system)
    deletes(client)
