"""The functions that a model's SQL may call: those whose result depends only on their arguments.

None of them reads a table, a file or a setting, changes something, waits, or takes SQL as text. A database may name
more of them: `m.Postgres("crm", functions=["similarity"])`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from loaders.model.databases import Kind


def names_in(text: str) -> frozenset[str]:
    """Return the names between spaces and line ends."""
    return frozenset(text.split())


_POSTGRES = names_in(
    # aggregates and windows
    """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist
    dense_rank every first_value grouping json_agg json_object_agg jsonb_agg jsonb_object_agg lag last_value lead max
    min mode nth_value ntile percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank regr_avgx
    regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy row_number stddev stddev_pop
    stddev_samp string_agg sum var_pop var_samp variance
    """
    # conditions and numbers
    """
    abs acos acosd asin asind atan atan2 atan2d atand cbrt ceil ceiling coalesce cos cosd cosh cot cotd degrees div
    erf erfc exp factorial floor gcd greatest lcm least ln log log10 min_scale mod nullif num_nonnulls num_nulls pi
    power radians round scale sign sin sind sinh sqrt tan tand tanh trim_scale trunc width_bucket
    """
    # texts and bytes
    """
    ascii bit_count bit_length btrim casefold char_length character_length chr concat concat_ws convert_from
    convert_to decode encode format initcap left length lower lpad ltrim md5 normalize octet_length overlay position
    quote_literal quote_nullable regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
    regexp_split_to_array regexp_substr repeat replace reverse right rpad rtrim sha224 sha256 sha384 sha512 split_part
    starts_with strpos string_to_array substr substring to_bin to_char to_hex to_number to_oct translate trim unistr
    upper
    """
    # dates and times
    """
    age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract interval isfinite
    justify_days justify_hours justify_interval make_date make_interval make_time make_timestamp make_timestamptz now
    statement_timestamp time timestamp timestamptz timezone to_date to_timestamp transaction_timestamp
    """
    # arrays, rows and ranges
    """
    array array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position
    array_positions array_prepend array_remove array_replace array_reverse array_sort array_to_string array_upper
    cardinality daterange generate_series generate_subscripts int4range int8range isempty lower_inc lower_inf
    multirange numrange range_merge row trim_array tsrange tstzrange unnest upper_inc upper_inf
    """
    # JSON
    """
    json_array json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
    json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_scalar
    json_strip_nulls json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
    jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object
    jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
    jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_typeof row_to_json to_json to_jsonb
    """
    # search, networks, shapes, identifiers
    """
    abbrev area box broadcast center circle diameter family height host hostmask inet_merge inet_same_family masklen
    network netmask numnode phraseto_tsquery plainto_tsquery point querytree radius setweight slope strip text
    to_tsquery to_tsvector ts_filter ts_headline ts_rank ts_rank_cd tsvector_to_array uuid_extract_timestamp
    uuid_extract_version websearch_to_tsquery width
    """
)
_CLICKHOUSE_AGGREGATES = names_in(
    """
    any anyHeavy anyLast any_value argMax argMin avg avgWeighted boundingRatio categoricalInformationValue contingency
    corr corrStable count covarPop covarPopStable covarSamp covarSampStable cramersV deltaSum deltaSumTimestamp
    entropy exponentialMovingAverage first_value groupArray groupArrayInsertAt groupArrayLast groupArrayMovingAvg
    groupArrayMovingSum groupArraySample groupArraySorted groupBitAnd groupBitOr groupBitXor groupBitmap groupConcat
    groupUniqArray intervalLengthSum kurtPop kurtSamp last_value mannWhitneyUTest max maxIntersections meanZTest
    median medianDeterministic medianExact min quantile quantileBFloat16 quantileDD quantileDeterministic
    quantileExact quantileExactExclusive quantileExactHigh quantileExactInclusive quantileExactLow
    quantileExactWeighted quantileInterpolatedWeighted quantileTDigest quantileTDigestWeighted quantileTiming
    quantileTimingWeighted quantiles quantilesExact quantilesExactExclusive quantilesExactHigh quantilesExactInclusive
    quantilesExactLow quantilesExactWeighted quantilesTDigest quantilesTiming rankCorr retention sequenceCount
    sequenceMatch simpleLinearRegression singleValueOrNull skewPop skewSamp stddevPop stddevPopStable stddevSamp
    stddevSampStable studentTTest sum sumCount sumKahan sumMapFiltered sumWithOverflow theilsU topK topKWeighted uniq
    uniqCombined uniqCombined64 uniqExact uniqHLL12 uniqUpTo varPop varPopStable varSamp varSampStable welchTTest
    windowFunnel
    """
)
_CLICKHOUSE = names_in(
    # windows, conditions, nulls
    """
    cume_dist dense_rank lag lagInFrame lead leadInFrame nth_value ntile percent_rank rank row_number assumeNotNull
    coalesce greatest if ifNull isNaN isFinite isInfinite isNotNull isNull isZeroOrNull least multiIf nullIf
    toNullable and or not xor equals notEquals less lessOrEquals greater greaterOrEquals like notLike ilike notILike
    match
    """
    # numbers
    """
    abs acos acosh asin asinh atan atan2 atanh bitAnd bitCount bitNot bitOr bitShiftLeft bitShiftRight bitTest bitXor
    byteSwap cbrt ceil ceiling cos cosh degrees divide divideDecimal e erf erfc exp exp10 exp2 factorial floor gcd
    hypot intDiv intDivOrZero intExp10 intExp2 lcm lgamma ln log log10 log1p log2 max2 min2 minus mod modulo
    moduloOrZero multiply multiplyDecimal negate pi plus positiveModulo pow power radians round roundAge roundBankers
    roundDown roundDuration roundToExp2 sigmoid sign sin sinh sqrt tan tanh tgamma trunc truncate widthBucket
    width_bucket
    """
    # conversions
    """
    accurateCast accurateCastOrDefault accurateCastOrNull cast reinterpretAsFloat64 reinterpretAsInt64
    reinterpretAsUInt64 to_utc_timestamp toBool toDate toDate32 toDate32OrNull toDateOrNull toDateTime toDateTime64
    toDateTime64OrNull toDateTimeOrNull toDecimal128 toDecimal128OrNull toDecimal256 toDecimal32 toDecimal32OrNull
    toDecimal64 toDecimal64OrNull toDecimalString toFixedString toFloat32 toFloat32OrNull toFloat64 toFloat64OrNull
    toFloat64OrZero toInt128 toInt16 toInt16OrNull toInt256 toInt32 toInt32OrNull toInt32OrZero toInt64 toInt64OrNull
    toInt64OrZero toInt8 toIntervalDay toIntervalHour toIntervalMinute toIntervalMonth toIntervalQuarter
    toIntervalSecond toIntervalWeek toIntervalYear toLowCardinality toString toStringCutToZero toTypeName toUInt128
    toUInt16 toUInt16OrNull toUInt256 toUInt32 toUInt32OrNull toUInt64 toUInt64OrNull toUInt64OrZero toUInt8 toUUID
    toUUIDOrNull
    """
    # dates and times
    """
    addDays addHours addMicroseconds addMilliseconds addMinutes addMonths addQuarters addSeconds addWeeks addYears age
    date dateAdd dateDiff dateName dateSub dateTrunc date_add date_diff date_sub date_trunc dayOfMonth dayOfWeek
    dayOfYear extract formatDateTime formatDateTimeInJodaSyntax formatReadableTimeDelta fromUnixTimestamp
    fromUnixTimestamp64Micro fromUnixTimestamp64Milli fromUnixTimestamp64Nano hour interval makeDate makeDate32
    makeDateTime makeDateTime64 minute month monthName now now64 parseDateTime parseDateTime64BestEffort
    parseDateTime64BestEffortOrNull parseDateTimeBestEffort parseDateTimeBestEffortOrNull parseDateTimeOrNull quarter
    second subtractDays subtractHours subtractMinutes subtractMonths subtractQuarters subtractSeconds subtractWeeks
    subtractYears timeSlot timeSlots timeZoneOf timeZoneOffset toDayOfMonth toDayOfWeek toDayOfYear
    toDaysSinceYearZero toHour toISOWeek toISOYear toLastDayOfMonth toLastDayOfWeek toMicrosecond toMillisecond
    toMinute toMonday toMonth toQuarter toRelativeDayNum toRelativeHourNum toRelativeMinuteNum toRelativeMonthNum
    toRelativeQuarterNum toRelativeSecondNum toRelativeWeekNum toRelativeYearNum toSecond toStartOfDay
    toStartOfFifteenMinutes toStartOfFiveMinutes toStartOfHour toStartOfISOYear toStartOfInterval toStartOfMicrosecond
    toStartOfMillisecond toStartOfMinute toStartOfMonth toStartOfQuarter toStartOfSecond toStartOfTenMinutes
    toStartOfWeek toStartOfYear toTime toTimeZone toUnixTimestamp toUnixTimestamp64Micro toUnixTimestamp64Milli
    toUnixTimestamp64Nano toWeek toYYYYMM toYYYYMMDD toYYYYMMDDhhmmss toYear toYearWeek today week year yesterday
    """
    # texts
    """
    appendTrailingCharIfAbsent ascii base58Decode base58Encode base64Decode base64Encode basename bin char concat
    concatWithSeparator convertCharset countMatches countMatchesCaseInsensitive countSubstrings
    countSubstringsCaseInsensitive cutFragment cutQueryString cutToFirstSignificantSubdomain cutURLParameter cutWWW
    damerauLevenshteinDistance decodeURLComponent decodeXMLComponent domain domainWithoutWWW editDistance empty
    encodeURLComponent encodeXMLComponent endsWith extractAll extractAllGroupsHorizontal extractAllGroupsVertical
    extractGroups extractTextFromHTML extractURLParameter extractURLParameterNames extractURLParameters
    firstSignificantSubdomain format formatReadableDecimalSize formatReadableQuantity formatReadableSize
    hasSubsequence hasToken hasTokenCaseInsensitive hex initcap isValidUTF8 jaroSimilarity jaroWinklerSimilarity left
    leftPad leftUTF8 length lengthUTF8 levenshteinDistance locate lower lowerUTF8 lpad ltrim multiMatchAny
    multiMatchAnyIndex multiSearchAny multiSearchFirstIndex multiSearchFirstPosition netloc ngramDistance ngramSearch
    ngrams normalizeUTF8NFC notEmpty path pathFull position positionCaseInsensitive positionCaseInsensitiveUTF8
    positionUTF8 protocol queryString queryStringAndFragment regexpExtract regexpQuoteMeta repeat replace replaceAll
    replaceOne replaceRegexpAll replaceRegexpOne reverse reverseUTF8 right rightPad rightUTF8 rpad rtrim soundex space
    splitByChar splitByNonAlpha splitByRegexp splitByString splitByWhitespace startsWith startsWithUTF8
    stringJaccardIndex subBitmap substr substring substringIndex substringUTF8 toValidUTF8 tokens topLevelDomain
    translate translateUTF8 trim trimBoth trimLeft trimRight tryBase64Decode unbin unhex upper upperUTF8
    """
    # hashes, networks, places, identifiers
    """
    cityHash64 farmHash64 greatCircleAngle greatCircleDistance geoDistance geohashDecode geohashEncode h3IsValid
    h3ToGeo h3ToString geoToH3 halfMD5 intHash32 intHash64 IPv4CIDRToRange IPv4NumToString IPv4StringToNum
    IPv4StringToNumOrNull IPv4ToIPv6 IPv6NumToString IPv6StringToNum IPv6StringToNumOrNull isIPAddressInRange
    isIPv4String isIPv6String javaHash jumpConsistentHash L1Distance L1Norm L2Distance L2Norm L2SquaredDistance
    LinfDistance LinfNorm cosineDistance dotProduct MD5 murmurHash2_64 murmurHash3_64 pointInEllipses pointInPolygon
    SHA1 SHA224 SHA256 SHA384 SHA512 sipHash64 toIPv4 toIPv4OrNull toIPv6 toIPv6OrNull UUIDNumToString UUIDStringToNum
    UUIDToNum UUIDv7ToDateTime xxHash32 xxHash64
    """
    # arrays, maps, tuples, bitmaps
    """
    array arrayAll arrayAvg arrayCompact arrayConcat arrayCount arrayCumSum arrayCumSumNonNegative arrayDifference
    arrayDistinct arrayDotProduct arrayElement arrayElementOrNull arrayEnumerate arrayEnumerateDense
    arrayEnumerateUniq arrayExcept arrayExists arrayFill arrayFilter arrayFirst arrayFirstIndex arrayFirstOrNull
    arrayFlatten arrayFold arrayIntersect arrayJaccardIndex arrayJoin arrayLast arrayLastIndex arrayLastOrNull
    arrayMap arrayMax arrayMin arrayNormalizedGini arrayPartialSort arrayPopBack arrayPopFront arrayProduct
    arrayPushBack arrayPushFront arrayReduce arrayReduceInRanges arrayResize arrayReverse arrayReverseFill
    arrayReverseSort arrayRotateLeft arrayRotateRight arrayShiftLeft arrayShiftRight arrayShingles arraySlice
    arraySort arraySplit arrayStringConcat arraySum arraySymmetricDifference arrayUnion arrayUniq arrayWithConstant
    arrayZip arrayZipUnaligned bitmapAnd bitmapBuild bitmapCardinality bitmapContains bitmapHasAll bitmapHasAny
    bitmapOr bitmapToArray bitmapXor emptyArrayDate emptyArrayFloat64 emptyArrayInt64 emptyArrayString flatten has
    hasAll hasAny hasSubstr indexOf indexOfAssumeSorted map mapAdd mapAll mapApply mapConcat mapContains
    mapContainsKeyLike mapExists mapExtractKeyLike mapFilter mapFromArrays mapFromString mapKeys mapPopulateSeries
    mapReverseSort mapSort mapSubtract mapUpdate mapValues countEqual range transform tuple tupleConcat tupleDivide
    tupleDivideByNumber tupleElement tupleHammingDistance tupleMinus tupleMultiply tupleMultiplyByNumber tupleNames
    tupleNegate tuplePlus tupleToNameValuePairs
    """
    # JSON
    """
    JSONArrayLength JSONAllPaths JSONExtract JSONExtractArrayRaw JSONExtractBool JSONExtractFloat JSONExtractInt
    JSONExtractKeys JSONExtractKeysAndValues JSONExtractKeysAndValuesRaw JSONExtractRaw JSONExtractString
    JSONExtractUInt JSONHas JSONKey JSONLength JSONType JSON_EXISTS JSON_QUERY JSON_VALUE isValidJSON
    simpleJSONExtractBool simpleJSONExtractFloat simpleJSONExtractInt simpleJSONExtractRaw simpleJSONExtractString
    simpleJSONExtractUInt simpleJSONHas toJSONString visitParamExtractString
    """
    # rows, merged states
    """
    numbers zeros generateSeries generate_series finalizeAggregation grouping materialize identity ignore
    """
)
_COMBINATOR = re.compile(r"(?:If|OrNull|OrDefault|Distinct|Array|Map|ForEach|State|Merge|SimpleState|ArgMin|ArgMax)$")
"""Suffixes that ClickHouse takes behind an aggregate's name, several of them too."""
_TYPES = names_in(
    """
    array bit bpchar char character datetime datetime64 dec decimal decimal128 decimal256 decimal32 decimal64 enum16
    enum8 fixedstring float interval lowcardinality map nested nullable numeric time timestamp timestamptz tuple
    varbit varchar variant varying
    """
)
"""Types that have something in brackets behind them, such as `numeric(10, 2)`; PostgreSQL has no functions so named."""


_FOR_CLICKHOUSE = {
    "uniq": "count(distinct …)",
    "uniqExact": "count(distinct …)",
    "ifNull": "coalesce(…)",
    "if": "case when … then … else … end",
    "multiIf": "case when … then … else … end",
    "groupArray": "array_agg(…)",
    "groupConcat": "string_agg(…)",
    "notEmpty": "… <> ''",
    "empty": "… = ''",
    "toDate": "…::date",
    "toString": "…::text",
    "any": "min(…)",
    "quantile": "percentile_cont(…) within group (order by …)",
    "median": "percentile_cont(0.5) within group (order by …)",
}
"""PostgreSQL's words for functions of ClickHouse."""
_FOR_POSTGRES = {
    "string_agg": "groupConcat(…)",
    "array_agg": "groupArray(…)",
    "percentile_cont": "quantile(…)(…)",
    "percentile_disc": "quantileExact(…)(…)",
    "bool_or": "max(…)",
    "bool_and": "min(…)",
    "to_char": "formatDateTime(…)",
    "cardinality": "length(…)",
    "date_part": "toYear(…), toMonth(…) or another of these",
}
"""ClickHouse's words for functions of PostgreSQL."""


def is_known_function(name: str, kind: Kind, more: Collection[str] = ()) -> bool:
    """Return whether SQL of a model may call a function, whose name is as SQL takes it where it is not quoted.

    Names of PostgreSQL are in lower case. Those of ClickHouse have one spelling, unless they are all in lower case.
    """
    if name in more:
        return True
    if kind is Kind.POSTGRES:
        return name.removeprefix("pg_catalog.") in _POSTGRES
    return name in _CLICKHOUSE or name.lower() in _CLICKHOUSE or _is_aggregate(name)


def is_type_with_brackets(name: str) -> bool:
    """Return whether a name is that of a type which has something in brackets behind it."""
    return name.lower() in _TYPES


def known_functions(kind: Kind) -> frozenset[str]:
    """Return the names of functions that may be called in a kind of database, combined aggregates left out."""
    return _POSTGRES if kind is Kind.POSTGRES else _CLICKHOUSE | _CLICKHOUSE_AGGREGATES


def known_in(name: str, kind: Kind) -> str:
    """Return the name that a function has in a kind of database, in any spelling of its letters; else an empty text."""
    if is_known_function(name, kind):
        return name
    lowered = name.lower()
    return next((each for each in known_functions(kind) if each.lower() == lowered), "")


def replacement(name: str, kind: Kind) -> str:
    """Return what is written in a kind of database for a function of the other one; empty where nothing is known."""
    if kind is Kind.CLICKHOUSE:
        return _FOR_POSTGRES.get(name.lower(), "")
    if name.startswith("toStartOf"):
        return f"date_trunc('{name.removeprefix('toStartOf').lower()}', …)"
    aggregate = name.removesuffix("If")
    if aggregate != name and aggregate in _CLICKHOUSE_AGGREGATES:
        called = f"{aggregate}({'*' if aggregate == 'count' else '…'})"
        return f"{called} filter (where …)" if aggregate.lower() in _POSTGRES else ""
    return _FOR_CLICKHOUSE.get(name, "")


def _is_aggregate(name: str) -> bool:
    while name not in _CLICKHOUSE_AGGREGATES and name.lower() not in _CLICKHOUSE_AGGREGATES:
        shorter = _COMBINATOR.sub("", name)
        if shorter == name:
            return False
        name = shorter
    return True
