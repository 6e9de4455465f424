import java.util.Arrays;
import java.util.List;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import scala.Tuple2;

/** Counts the words of files: WordCount INPUT OUTPUT. */
public final class WordCount {
    public static void main(String[] arguments) {
        SparkSession spark = SparkSession.builder().appName("words").getOrCreate();
        JavaSparkContext context = new JavaSparkContext(spark.sparkContext());
        JavaPairRDD<String, Integer> counts = context.textFile(arguments[0], 4)
            .flatMap(line -> Arrays.asList(line.split(" ")).iterator())
            .mapToPair(word -> new Tuple2<>(word, 1))
            .reduceByKey(Integer::sum)
            .sortByKey();
        counts.coalesce(1).map(pair -> pair._1() + "\t" + pair._2()).saveAsTextFile(arguments[1]);
        System.out.println(counts.collectAsMap().get("to"));
        spark.stop();
    }
}
