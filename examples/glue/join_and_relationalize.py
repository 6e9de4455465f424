"""The history of legislators as one table, and as flat tables for a relational database.

It reads `persons_json`, `memberships_json` and `organizations_json` of a database, and writes below
`--target`: `legislator_history`, `legislator_single`, `legislator_part` by chamber, and
`relational/<table>` for each flat table. With `--connection` these go to a database too.
"""

import sys

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.transforms import Join
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "database", "target"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
target = args["target"]


def table(name):
    return glueContext.create_dynamic_frame.from_catalog(
        database=args["database"], table_name=name, transformation_ctx=name
    )


persons = table("persons_json")
memberships = table("memberships_json")
orgs = table("organizations_json")
print("Persons:", persons.count())
persons.printSchema()

# Keep the fields of organizations that are of use, under names that are free in the others.
orgs = (
    orgs.drop_fields(["other_names", "identifiers"])
    .rename_field("id", "org_id")
    .rename_field("name", "org_name")
)

l_history = Join.apply(
    orgs, Join.apply(persons, memberships, "id", "person_id"), "org_id", "organization_id"
).drop_fields(["person_id", "org_id"])
print("History:", l_history.count())
l_history.printSchema()

glueContext.write_dynamic_frame.from_options(
    frame=l_history,
    connection_type="s3",
    connection_options={"path": f"{target}/legislator_history"},
    format="parquet",
)
l_history.toDF().repartition(1).write.parquet(f"{target}/legislator_single")
l_history.toDF().write.parquet(f"{target}/legislator_part", partitionBy=["org_name"])

dfc = l_history.relationalize("l_root", f"{target}/temp-dir/")
print("Tables:", sorted(dfc.keys()))
for name in sorted(dfc.keys()):
    glueContext.write_dynamic_frame.from_options(
        frame=dfc.select(name),
        connection_type="s3",
        connection_options={"path": f"{target}/relational/{name}"},
        format="parquet",
    )
    if "--connection" in sys.argv:
        glueContext.write_dynamic_frame.from_jdbc_conf(
            frame=dfc.select(name),
            catalog_connection=sys.argv[sys.argv.index("--connection") + 1],
            connection_options={"dbtable": name},
        )

job.commit()
