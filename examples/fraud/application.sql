-- Scores every card transaction as it comes in: the text is Flink SQL.
--
-- Windows are of processing time: a transaction is scored with what is known when it comes, at once,
-- and none is ever too late to be scored.

CREATE TABLE transactions (
  transaction_id STRING,
  card_id        STRING,
  merchant_id    STRING,
  category       STRING,
  amount         DOUBLE,
  latitude       DOUBLE,
  longitude      DOUBLE,
  event_time     TIMESTAMP_LTZ(3),
  seen           AS PROCTIME()
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:us-east-1:000000000000:stream/transactions',
  'aws.region' = 'us-east-1',
  'source.init.position' = 'TRIM_HORIZON',
  'source.reader.type' = 'EFO',
  'source.efo.consumer.name' = 'fraud',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- What the bank knows of each card, read again every ten minutes.
CREATE TABLE cards (
  card_id        STRING,
  usual_amount   DOUBLE,
  home_latitude  DOUBLE,
  home_longitude DOUBLE
) WITH (
  'connector' = 'filesystem',
  'path' = 's3://fraud-lake/cards/',
  'format' = 'csv',
  'lookup.cache' = 'FULL',
  'lookup.full-cache.periodic-reload.interval' = '10 min'
);

CREATE TABLE scores (
  transaction_id STRING,
  card_id        STRING,
  amount         DOUBLE,
  event_time     TIMESTAMP_LTZ(3),
  score          DOUBLE,
  is_alarming    BOOLEAN
) WITH (
  'connector' = 'filesystem',
  'path' = 's3://fraud-lake/scores/',
  'format' = 'parquet'
);

CREATE TABLE alerts (
  transaction_id STRING,
  card_id        STRING,
  merchant_id    STRING,
  amount         DOUBLE,
  event_time     TIMESTAMP_LTZ(3),
  score          DOUBLE
) PARTITIONED BY (card_id) WITH (
  'connector' = 'kinesis',
  'stream.arn' = 'arn:aws:kinesis:us-east-1:000000000000:stream/alerts',
  'aws.region' = 'us-east-1',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TABLE webhook (
  transaction_id STRING,
  card_id        STRING,
  amount         DOUBLE,
  score          DOUBLE
) WITH (
  'connector' = 'http-sink',
  'url' = '${webhook}',
  'format' = 'json'
);

CREATE FUNCTION fraud_score AS 'scoring.fraud_score' LANGUAGE PYTHON;
CREATE FUNCTION is_alarming AS 'scoring.is_alarming' LANGUAGE PYTHON;

-- The last ten minutes of each card …
CREATE VIEW spending AS
SELECT
  *,
  COUNT(*) OVER ten_minutes AS count_10m,
  SUM(CASE WHEN amount < 3 THEN 1 ELSE 0 END) OVER ten_minutes AS small_10m,
  SUM(amount) OVER ten_minutes AS spend_10m
FROM transactions
WINDOW ten_minutes AS (
  PARTITION BY card_id ORDER BY seen
  RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW
);

-- … its transaction before this one …
CREATE VIEW moves AS
SELECT
  *,
  LAG(latitude) OVER by_card AS last_latitude,
  LAG(longitude) OVER by_card AS last_longitude,
  LAG(event_time) OVER by_card AS last_time
FROM spending
WINDOW by_card AS (PARTITION BY card_id ORDER BY seen);

-- … and what its owner is used to, make the score.
CREATE VIEW scored AS
SELECT
  m.*,
  fraud_score(
    amount, category, latitude, longitude, count_10m, small_10m, spend_10m,
    last_latitude, last_longitude,
    TIMESTAMPDIFF(SECOND, last_time, event_time) * 1.0,
    usual_amount, home_latitude, home_longitude
  ) AS score
FROM moves AS m
LEFT JOIN cards FOR SYSTEM_TIME AS OF m.seen AS c ON m.card_id = c.card_id;

CREATE VIEW judged AS SELECT *, is_alarming(score) AS alarming FROM scored;

EXECUTE STATEMENT SET
BEGIN
  INSERT INTO scores
  SELECT transaction_id, card_id, amount, event_time, score, alarming FROM judged;

  INSERT INTO alerts
  SELECT transaction_id, card_id, merchant_id, amount, event_time, score
  FROM judged WHERE alarming;

  INSERT INTO webhook
  SELECT transaction_id, card_id, amount, score FROM judged WHERE alarming;
END;
