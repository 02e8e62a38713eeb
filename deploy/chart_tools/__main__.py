"""`python -m deploy.chart_tools`: write the chart's files that follow from others."""

from deploy.chart_tools.chart import write_chart

if __name__ == "__main__":
    for path in write_chart():
        print(f"wrote {path}")
