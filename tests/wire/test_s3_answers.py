"""What only S3 does: odd documents, characters that XML lacks, errors in its own words."""

from typing import Any

import pytest

from millpond.kernel.body import BytesBody, StreamBody
from millpond.kernel.errors import ServiceError
from millpond.services.s3 import shapes
from millpond.wire.fields import structure_of
from millpond.wire.http import Answer, HeaderMap, Request
from millpond.wire.protocols import protocol_for
from millpond.wire.xml_writing import root_writer
from tests.wire import botocore_side

S3 = protocol_for(shapes.MODEL)
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class NoSuchKey(ServiceError):
    code = "NoSuchKey"
    status = 404


class NotModified(ServiceError):
    code = "NotModified"
    status = 304


def answer(name: str, output: Any) -> Answer:
    return S3.serialize(shapes.MODEL.operations[name], output, "request-1")


def text_of(answered: Answer) -> str:
    assert isinstance(answered.body, bytes)
    return answered.body.decode()


def parse(method: str, path: str, query: str = "", *, body: Any = b"", **headers: str) -> Any:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    request = Request(method, path, query, HeaderMap(named))
    return S3.parse(S3.identify(request, None), request, body)


def test_the_location_is_the_text_of_the_root() -> None:
    output = shapes.GetBucketLocationOutput(location_constraint="eu-west-1")
    assert text_of(answer("GetBucketLocation", output)).endswith(
        f"<LocationConstraint {NAMESPACE}>eu-west-1</LocationConstraint>"
    )


def test_the_location_of_the_first_region_is_an_empty_root() -> None:
    assert text_of(answer("GetBucketLocation", shapes.GetBucketLocationOutput())).endswith(
        f"<LocationConstraint {NAMESPACE}/>"
    )


@pytest.mark.parametrize(
    ("name", "output", "root"),
    [
        ("ListBuckets", shapes.ListBucketsOutput(buckets=[]), "ListAllMyBucketsResult"),
        ("ListObjects", shapes.ListObjectsOutput(name="b"), "ListBucketResult"),
        ("ListObjectsV2", shapes.ListObjectsV2Output(name="b"), "ListBucketResult"),
        ("DeleteObjects", shapes.DeleteObjectsOutput(), "DeleteResult"),
        ("CopyObject",
         shapes.CopyObjectOutput(copy_object_result=shapes.CopyObjectResult(etag='"e"')),
         "CopyObjectResult"),
        ("UploadPartCopy",
         shapes.UploadPartCopyOutput(copy_part_result=shapes.CopyPartResult(etag='"e"')),
         "CopyPartResult"),
        ("CreateMultipartUpload",
         shapes.CreateMultipartUploadOutput(upload_id="u"),
         "InitiateMultipartUploadResult"),
        ("CompleteMultipartUpload",
         shapes.CompleteMultipartUploadOutput(key="k"),
         "CompleteMultipartUploadResult"),
    ],
)  # fmt: skip
def test_a_document_has_the_root_of_the_api_reference(name: str, output: Any, root: str) -> None:
    answered = answer(name, output)
    assert f"<{root} {NAMESPACE}>" in text_of(answered)
    assert text_of(answered).startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    assert ("content-type", "application/xml") in answered.headers


def test_an_empty_list_is_an_empty_element() -> None:
    text = text_of(answer("ListBuckets", shapes.ListBucketsOutput(buckets=[])))
    assert "<Buckets></Buckets>" in text


def test_characters_that_xml_lacks_are_written_as_references() -> None:
    output = shapes.ListObjectsV2Output(contents=[shapes.Object(key='a\x00\x08\r\n<&>"\ufffe')])
    key = "a&#x0;&#x8;&#xd;\n&lt;&amp;&gt;&quot;&#xfffe;"
    assert f"<Key>{key}</Key>" in text_of(answer("ListObjectsV2", output))


def test_a_carriage_return_survives_the_reader() -> None:
    aws = botocore_side.service_model("s3").operation_model("ListObjectsV2")
    answered = answer(
        "ListObjectsV2", shapes.ListObjectsV2Output(contents=[shapes.Object(key="a\r\nb")])
    )
    read = botocore_side.read(aws, answered, text_of(answered).encode())
    assert read["Contents"][0]["Key"] == "a\r\nb"


def test_times_have_milliseconds_in_documents_and_none_in_headers() -> None:
    output = shapes.ListObjectsV2Output(contents=[shapes.Object(last_modified=1_700_000_000)])
    expected = "<LastModified>2023-11-14T22:13:20.000Z</LastModified>"
    assert expected in text_of(answer("ListObjectsV2", output))
    headers = answer("HeadObject", shapes.HeadObjectOutput(last_modified=1_700_000_000)).headers
    assert ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT") in headers


def test_a_type_is_written_as_an_attribute_with_its_namespace() -> None:
    from tests.wire.generated import model_of

    acl = model_of("s3", "GetBucketAcl").operations["GetBucketAcl"].output
    assert acl is not None
    grants = structure_of(acl).by_name["Grants"]
    grantee = grants.value.item.structure.by_name["Grantee"].value
    out: list[str] = []
    assert grantee.struct is not None
    root_writer(grantee, "Grantee", "")(grantee.struct(type="CanonicalUser", id="me"), out)
    assert "".join(out) == (
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:type="CanonicalUser"><ID>me</ID></Grantee>'
    )


def test_a_stream_leaves_as_it_is() -> None:
    async def chunks() -> Any:
        yield b"x"

    body = StreamBody(chunks(), 1)
    answered = answer("GetObject", shapes.GetObjectOutput(body=body, content_length=1))
    assert answered.body is body
    assert answered.status == 200
    assert ("content-length", "1") in answered.headers


def test_a_range_is_answered_with_206() -> None:
    output = shapes.GetObjectOutput(body=BytesBody(b"x"), content_range="bytes 0-0/2")
    assert answer("GetObject", output).status == 206


def test_an_answer_without_a_document_has_no_body_and_its_own_status() -> None:
    assert answer("DeleteObject", shapes.DeleteObjectOutput()).status == 204
    assert answer("DeleteBucket", None).status == 204
    assert answer("PutObject", shapes.PutObjectOutput(etag='"e"')).body == b""


def test_a_header_cannot_end_its_line() -> None:
    output = shapes.GetObjectOutput(content_disposition="a\r\nSet-Cookie: b", metadata={"m": "é"})
    headers = dict(answer("GetObject", output).headers)
    assert headers["content-disposition"] == "a  Set-Cookie: b"
    assert headers["x-amz-meta-m"] == "=?UTF-8?B?w6k=?="


def test_an_error_names_itself_in_body_and_headers() -> None:
    error = NoSuchKey("The specified key does not exist.", Key="a<b")
    answered = S3.serialize_error(error, "request-1", resource="/b/a<b")
    assert answered.status == 404
    assert ("x-amz-request-id", "request-1") in answered.headers
    host = dict(answered.headers)["x-amz-id-2"]
    assert text_of(answered) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>"
        "<Key>a&lt;b</Key><Resource>/b/a&lt;b</Resource><RequestId>request-1</RequestId>"
        f"<HostId>{host}</HostId></Error>"
    )


def test_the_error_of_a_head_request_has_no_body() -> None:
    answered = S3.serialize_error(NoSuchKey("No."), "request-1", head=True)
    assert (answered.status, answered.body) == (404, b"")


def test_not_modified_has_no_body_and_its_members_are_headers() -> None:
    answered = S3.serialize_error(NotModified("", ETag='"e"'), "request-1")
    assert (answered.status, answered.body) == (304, b"")
    assert ("etag", '"e"') in answered.headers
    assert "content-type" not in dict(answered.headers)


def test_trouble_inside_has_the_code_of_s3() -> None:
    class InternalFailure(ServiceError):
        code = "InternalFailure"
        status = 500

    text = text_of(S3.serialize_error(InternalFailure("Sorry."), "request-1"))
    assert "<Code>InternalError</Code>" in text


def test_expires_is_the_text_that_was_given() -> None:
    assert parse("PUT", "/b/k", Expires="soon").expires == "soon"
    headers = answer("GetObject", shapes.GetObjectOutput(expires="soon")).headers
    assert ("expires", "soon") in headers


def test_a_conditional_date_that_is_no_date_is_ignored() -> None:
    read = parse("GET", "/b/k", If_Modified_Since="yesterday", If_None_Match='"e"')
    assert (read.if_modified_since, read.if_none_match) == (None, '"e"')


def test_metadata_is_all_headers_with_its_prefix() -> None:
    read = parse("PUT", "/b/k", X_Amz_Meta_Color="red", X_Amz_Meta_Size="9", X_Amz_Metadata="no")
    assert read.metadata == {"color": "red", "size": "9"}


def test_a_presigned_url_may_carry_headers_as_parameters() -> None:
    query = "X-Amz-Signature=0&x-amz-meta-color=red&x-amz-storage-class=GLACIER"
    read = parse("PUT", "/b/k", query, x_amz_storage_class="STANDARD")
    assert (read.metadata, read.storage_class) == ({"color": "red"}, "STANDARD")
    assert parse("PUT", "/b/k", query.replace("Signature", "Other")).metadata is None
    copy = parse("PUT", "/b/k", "X-Amz-Signature=0&x-amz-copy-source=a%2Fb")
    assert (type(copy).__name__, copy.copy_source) == ("CopyObjectRequest", "a/b")


def test_a_key_is_everything_behind_the_bucket() -> None:
    assert parse("GET", "/b//a/../c/\n?").key == "/a/../c/\n?"


def test_the_first_of_two_parameters_counts() -> None:
    assert parse("GET", "/b", "prefix=a+b%2Bc&prefix=d").prefix == "a b+c"


def test_a_bucket_without_a_configuration_has_none() -> None:
    assert parse("PUT", "/b").create_bucket_configuration is None


@pytest.mark.parametrize("namespace", ["", f" {NAMESPACE}", ' xmlns="urn:other"'])
def test_a_document_is_read_in_any_namespace(namespace: str) -> None:
    body = (
        f"<?xml version='1.0'?>\n<!-- hello --><CreateBucketConfiguration{namespace}>\n "
        "<LocationConstraint>eu-west-1</LocationConstraint>\n</CreateBucketConfiguration>"
    )
    read = parse("PUT", "/b", body=body.encode())
    assert read.create_bucket_configuration.location_constraint == "eu-west-1"


def test_a_gathered_body_may_bring_its_checksum_in_a_trailer() -> None:
    document = b"<Delete><Object><Key>a</Key></Object></Delete>"
    right = BytesBody(document, {"x-amz-checksum-crc32c": "y0zhNQ=="})
    assert parse("POST", "/b", "delete", body=right).delete.objects[0].key == "a"
    wrong = BytesBody(document, {"x-amz-checksum-crc32c": "AAAAAA=="})
    with pytest.raises(ServiceError, match="CRC32C") as caught:
        parse("POST", "/b", "delete", body=wrong)
    assert caught.value.code == "BadDigest"


def test_the_checksum_of_an_object_is_not_that_of_the_document_that_completes_it() -> None:
    document = b"<CompleteMultipartUpload/>"
    read = parse("POST", "/b/k", "uploadId=1", body=document, x_amz_checksum_crc32="AAAAAA==")
    assert read.checksum_crc32 == "AAAAAA=="


def test_only_object_data_stays_a_stream() -> None:
    streaming = {n for n, op in shapes.MODEL.operations.items() if S3.streams(op)}
    assert streaming == {"PutObject", "UploadPart"}
    with pytest.raises(TypeError):
        parse("POST", "/b", "delete", body=StreamBody(iter(()), 0))  # type: ignore[arg-type]
