"""Panels and dashboards with the settings that all of Fuseway's share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as parts

from deploy.grafana.expressions import Query

Panel = bargauge.Panel | stat.Panel | timeseries.Panel
"""Panels of a dashboard."""

SOURCE: Final = parts.DataSourceRef(type_val="prometheus", uid="${datasource}")
_WIDTH: Final = 24
"""Columns of Grafana's grid."""
_HEIGHT: Final = 8


def graph(title: str, unit: str, *queries: Query, about: str = "", stacked: bool = False) -> Panel:
    """Return lines over time; stacked where they add up to a whole."""
    legend = common.VizLegendOptions().show_legend(True).display_mode(options.LegendDisplayMode.TABLE)
    legend = legend.placement(options.LegendPlacement.BOTTOM).calcs(["mean", "lastNotNull"])
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING)
    panel = timeseries.Panel().title(title).description(about).datasource(SOURCE).unit(unit).min(0)
    panel = panel.legend(legend.sort_by("Mean").sort_desc(True)).tooltip(tooltip)
    panel = panel.line_width(1).fill_opacity(30 if stacked else 5).show_points(options.VisibilityMode.NEVER)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL))
    for index, query in enumerate(queries):
        panel = panel.with_target(_target(query, index).range())
    return panel


def ranking(title: str, unit: str, query: Query, about: str = "") -> Panel:
    """Return bars of the present values, the largest first; the query bounds how many."""
    panel = bargauge.Panel().title(title).description(about).datasource(SOURCE).unit(unit).min(0)
    panel = panel.orientation(options.VizOrientation.HORIZONTAL).display_mode(options.BarGaugeDisplayMode.BASIC)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.color_scheme(dashboard.FieldColor().mode(parts.FieldColorModeId.PALETTE_CLASSIC))
    return panel.with_target(_target(Query(f"sort_desc({query.expression})", query.legend)).instant())


def figure(title: str, unit: str, expression: str, about: str = "", *, warn: float | None = None) -> Panel:
    """Return one figure with its course, red from `warn` on."""
    steps = [parts.Threshold(None, "green"), *([parts.Threshold(warn, "red")] if warn is not None else [])]
    panel = stat.Panel().title(title).description(about).datasource(SOURCE).unit(unit)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.graph_mode(options.BigValueGraphMode.AREA).color_mode(options.BigValueColorMode.VALUE)
    panel = panel.thresholds(dashboard.ThresholdsConfig().mode(parts.ThresholdsMode.ABSOLUTE).steps(steps))
    return panel.with_target(_target(Query(expression)).range())


def _target(query: Query, index: int = 0) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(ascii_uppercase[index]).datasource(SOURCE)
    return target.expr(query.expression).legend_format(query.legend)


def board(name: str, title: str, about: str, rows: dict[str, Sequence[Panel]]) -> dashboard.Dashboard:
    """Return a dashboard with a row for each title, the panels of which share its width."""
    builder = dashboard.Dashboard(f"Fuseway: {title}").uid(f"fuseway-{name}").description(about).tags(["fuseway"])
    builder = builder.timezone("browser").refresh("30s").time("now-1h", "now").readonly()
    builder = builder.tooltip(parts.DashboardCursorSync.CROSSHAIR).annotation(_alerts()).link(_others())
    for variable in _variables():
        builder = builder.with_variable(variable)
    ids = count(1)
    for row, panels in rows.items():
        builder = builder.with_row(dashboard.Row(row).id(next(ids)))
        for panel in panels:
            height = _HEIGHT // 2 if isinstance(panel, stat.Panel) else _HEIGHT
            builder = builder.with_panel(panel.id(next(ids)).span(_WIDTH // len(panels)).height(height))
    return builder


def _variables() -> list[dashboard.QueryVariable | dashboard.DatasourceVariable]:
    """Return what a viewer chooses: the data source, and which gateways."""
    source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    namespace = _choice("namespace", "Namespace", "fuseway_build_info").all_value(".*")  # outside Kubernetes, none
    job = _choice("job", "Job", 'fuseway_build_info{namespace=~"$namespace"}')
    instance = _choice("instance", "Gateway", 'fuseway_build_info{namespace=~"$namespace", job=~"$job"}')
    return [source, namespace, job, instance]


def _choice(label: str, title: str, selector: str) -> dashboard.QueryVariable:
    """Return a variable with the values of a label, all of them at first."""
    every = parts.VariableOption(selected=True, text=["All"], value=["$__all"])
    values = f"label_values({selector}, {label})"
    variable = dashboard.QueryVariable(label).label(title).datasource(SOURCE).query(values)
    variable = variable.refresh(parts.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(parts.VariableSort.ALPHABETICAL_ASC)
    return variable.multi(True).include_all(True).all_value(".+").current(every)


def _alerts() -> dashboard.AnnotationQuery:
    """Return marks over the time in which alerts fired."""
    expression = 'ALERTS{alertname=~"Fuseway.+", alertstate="firing"}'
    return dashboard.AnnotationQuery().name("Alerts").datasource(SOURCE).expr(expression).icon_color("red").enable(True)


def _others() -> dashboard.DashboardLink:
    """Return a link to each of the other dashboards, for the same gateways and time."""
    link = dashboard.DashboardLink("Fuseway").type(parts.DashboardLinkType.DASHBOARDS).tags(["fuseway"])
    return link.as_dropdown(True).include_vars(True).keep_time(True)
