"""How S3's state lies in records: the only place that knows keys.

    s3 bucket      <bucket>                        Bucket
    s3 object      <bucket> <key>                  StoredObject
    s3 body        <bucket> <key>                  Blob of a small object, which holds its bytes
    s3 rows        <bucket> <key>                  what remains known of an object's parts
    s3 upload      <bucket> <escaped key> <id>     Upload
    s3 part        <upload id> <number>            Part
    s3 blob        <blob id>                       Blob of an object or part
    s3 removal     <blob id>                       Blob that nothing names any more
    s3 abandoned   <upload id>                     nothing: its parts are to be removed

Separators are NUL bytes. A bucket name has none, so object keys may hold any byte and still lie in
the order of their bytes. Behind an upload's key comes its id: there a NUL of the key is written as
`00 FF` and the key ends with `00 00`, which keeps the order too. Upload ids begin with their time.

A listing reads `object` records alone, which are small: bodies, part rows and the block checksums
of large blobs lie elsewhere. Reading an object takes two records: itself, and its body or blob.

A bucket keeps no counters, and writing an object only reads its bucket's record: writers in one
bucket meet only when they write the same key, or when the bucket itself goes.
"""
