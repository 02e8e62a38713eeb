create table events (
    workspace_id UUID,
    member_id UUID,
    project_id Nullable(UUID),
    kind LowCardinality(String),
    sent_at DateTime64(6, 'UTC'),
    latency_ms Nullable(UInt16),
    bytes UInt64,
    amount Decimal(18, 6)
) engine = MergeTree order by (workspace_id, member_id, sent_at)
