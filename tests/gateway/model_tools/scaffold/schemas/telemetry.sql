-- Traits: objects in ClickHouse by version and by time, rows of objects by the sorting key and by another column, an enum,
-- nullable numbers, names of capitals, dates and instants as times, versions of rows, and no time at all.
create table devices (
    id UInt64, version UInt64, model LowCardinality(String), state Enum8('on' = 1, 'off' = 2, 'out of order' = 3),
    owner Nullable(String), position Tuple(Float64, Float64), seen_at DateTime('UTC')
) engine = ReplacingMergeTree(version) order by id;
create table sites (SiteId Int32, `Opened On` Date, Title String) engine = MergeTree order by (SiteId, `Opened On`);
create table readings (
    device_id UInt64, at DateTime64(3, 'UTC'), watts Float64, volts Nullable(Decimal(9, 3)), errors UInt16, tags Array(String)
) engine = MergeTree partition by toYYYYMM(at) order by (device_id, at);
create table alarms (Day Date, DeviceId UInt64, SiteId Int32, `From` UInt8) engine = MergeTree order by (Day, DeviceId);
create table costs (site_id Int32, version UInt32, amount Decimal(12, 2))
    engine = ReplacingMergeTree(version) order by (site_id);
