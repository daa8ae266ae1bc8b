#!/usr/bin/env python3
"""Writes v1.ckpt and v2.ckpt with the real TensorFlow."""
import os; os.environ["TF_CPP_MIN_LOG_LEVEL"]="3"; os.environ["CUDA_VISIBLE_DEVICES"]=""
import tensorflow as tf, numpy as np
tf1=tf.compat.v1; tf1.disable_eager_execution()
ramp=lambda t,*s:(np.arange(np.prod(s))-3).astype(t).reshape(s)
g=tf1.Graph()
with g.as_default():
    for i in range(60): tf1.get_variable("InceptionV3/Mixed_%d/Branch_0/Conv2d_0a_1x1/weights"%i, initializer=ramp('f4',1,1,3,i+1))
    tf1.get_variable("zeros", initializer=np.zeros((30,40),'f4'))
    tf1.get_variable("global_step", initializer=np.int64(7))
    tf1.get_variable("double", initializer=ramp('f8',3)); tf1.get_variable("half", initializer=ramp('f2',3))
    with tf1.Session() as s:
        s.run(tf1.global_variables_initializer())
        for ver,name in ((tf1.train.SaverDef.V1,"v1.ckpt"),(tf1.train.SaverDef.V2,"v2.ckpt")):
            tf1.train.Saver(write_version=ver).save(s, name, write_meta_graph=False, write_state=False)
