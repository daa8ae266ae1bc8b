# Writes neighbours/, small pictures in the corners of many formats, and
# expected/, what Pillow 13 makes of each of those and of cases/. Needs Pillow,
# numpy, cjpeg (libjpeg-turbo-progs) and webpmux (webp).
import os, shutil, struct, subprocess, sys, zlib, glob
from PIL import Image, ImageDraw, ImageFile, ImageOps, PngImagePlugin
import numpy as np
O='neighbours/'
shutil.rmtree(O,ignore_errors=True); os.makedirs(O)
s=Image.open('scene.jpg').convert('RGB').resize((41,29))
d=ImageDraw.Draw(s); 
for i in range(8): d.rectangle((4*i,2*i,4*i+6,2*i+5),fill=[(255,0,0),(0,0,255),(0,255,0),(255,255,0),(0,0,0),(255,255,255),(0,255,255),(255,0,255)][i])
a=s.convert('RGBA'); al=Image.linear_gradient('L').resize(s.size); a.putalpha(al)
# EXIF
for o in range(1,9):
    ex=Image.Exif(); ex[0x112]=o
    s.save(f'{O}e{o}.jpg',exif=ex); s.save(f'{O}e{o}.webp',exif=ex); s.save(f'{O}e{o}.png',exif=ex); s.save(f'{O}e{o}.tif',tiffinfo={274:o}); s.save(f'{O}e{o}l.webp',exif=ex,lossless=True); s.save(f'{O}e{o}.avif',exif=ex,subsampling='4:4:4')
# PNG
s.save(O+'rgb.png'); a.save(O+'rgba.png'); s.convert('L').save(O+'l.png'); s.convert('1').save(O+'1.png'); s.convert('P').save(O+'p.png'); s.quantize(16).save(O+'p4.png',bits=4); s.quantize(4).save(O+'p2.png',bits=2); s.quantize(2).save(O+'p1.png',bits=1); a.convert('LA').save(O+'la.png'); a.quantize(64).save(O+'pa.png')
Image.fromarray((np.asarray(s.convert('L')).astype('uint16')*257+ (np.arange(41)%7).astype('uint16'))).save(O+'l16.png')
s.save(O+'trns.png',transparency=(255,0,0)); s.convert('L').save(O+'ltrns.png',transparency=0); s.convert('P').save(O+'ptrns.png',transparency=5)
# hand-made pngs
def png(w,h,depth,ct,raw,inter=0,extra=b'',tail=True,idat=None):
    def ch(n,b): return struct.pack('>I',len(b))+n+b+struct.pack('>I',zlib.crc32(n+b))
    return b'\x89PNG\r\n\x1a\n'+ch(b'IHDR',struct.pack('>IIBBBBB',w,h,depth,ct,0,0,inter))+extra+(ch(b'IDAT',zlib.compress(raw)) if idat is None else b''.join(ch(b'IDAT',x) for x in idat))+(ch(b'IEND',b'') if tail else b'')
arr=np.asarray(s); h,w=arr.shape[:2]
rgb16=(arr.astype('>u2')*257); raw=b''.join(b'\0'+rgb16[y].tobytes() for y in range(h)); open(O+'rgb16.png','wb').write(png(w,h,16,2,raw))
ra=np.asarray(a).astype('>u2')*257; raw=b''.join(b'\0'+ra[y].tobytes() for y in range(h)); open(O+'rgba16.png','wb').write(png(w,h,16,6,raw))
lA=np.asarray(a.convert('LA')).astype('>u2')*257; open(O+'la16.png','wb').write(png(w,h,16,4,b''.join(b'\0'+lA[y].tobytes() for y in range(h))))
def adam7(arr):
    out=b''
    for x0,y0,dx,dy in [(0,0,8,8),(4,0,8,8),(0,4,4,8),(2,0,4,4),(0,2,2,4),(1,0,2,2),(0,1,1,2)]:
        sub=arr[y0::dy,x0::dx]
        if sub.size==0: continue
        for r in sub: out+=b'\0'+np.ascontiguousarray(r).tobytes()
    return out
open(O+'rgbi.png','wb').write(png(w,h,8,2,adam7(arr),1)); open(O+'rgbai.png','wb').write(png(w,h,8,6,adam7(np.asarray(a)),1)); open(O+'rgb16i.png','wb').write(png(w,h,16,2,adam7(rgb16),1)); 
li=np.asarray(s.convert('L')); open(O+'li.png','wb').write(png(w,h,8,0,adam7(li),1))
raw=b''.join(b'\0'+arr[y].tobytes() for y in range(h)); z=zlib.compress(raw)
open(O+'noiend.png','wb').write(png(w,h,8,2,raw,tail=False)); open(O+'split.png','wb').write(png(w,h,8,2,raw,idat=[z[:10],b'',z[10:99],z[99:]])); open(O+'surplus.png','wb').write(png(w,h,8,2,raw+b'\0'*5000)); open(O+'surplus2.png','wb').write(png(w,h,8,2,raw,idat=[z,b'garbage garbage'])); open(O+'aftertail.png','wb').write(png(w,h,8,2,raw)+b'junk'*50)
for q in (0.3,0.6,0.95): 
    for n in ('rgb','rgba','p','l','rgbi'):
        b=open(f'{O}{n}.png','rb').read(); open(f'{O}cut_{n}_{int(q*100)}.png','wb').write(b[:int(len(b)*q)])
# BMP
s.save(O+'rgb.bmp'); s.convert('L').save(O+'l.bmp'); s.convert('1').save(O+'1.bmp'); s.convert('P').save(O+'p.bmp'); a.save(O+'rgba.bmp')
def bmp(w,h,depth,comp,body,hdr=40,pal=b'',masks=b'',colours=0):
    if hdr==12: H=struct.pack('<IHHHH',12,w,h,1,depth)
    else:
        H=struct.pack('<IiiHHIIiiII',hdr,w,h,1,depth,comp,len(body),0,0,colours,0)
        H=H[:hdr] if hdr<40 else H
        if hdr>40: H+=(masks+b'\0'*200)[:hdr-40]; masks=b''
    off=14+len(H)+len(masks)+len(pal)
    return b'BM'+struct.pack('<IHHI',off+len(body),0,0,off)+H+masks+pal+body
def rows(x): 
    out=b''
    for r in x: b=r.tobytes(); out+=b+b'\0'*(-len(b)%4)
    return out
up=arr[::-1].astype('u2'); 
v565=((up[...,0]>>3)<<11|(up[...,1]>>2)<<5|up[...,2]>>3).astype('<u2'); v555=((up[...,0]>>3)<<10|(up[...,1]>>3)<<5|up[...,2]>>3).astype('<u2')
open(O+'b565.bmp','wb').write(bmp(w,h,16,3,rows(v565),masks=struct.pack('<III',0xf800,0x7e0,0x1f)))
open(O+'b565v4.bmp','wb').write(bmp(w,h,16,3,rows(v565),hdr=108,masks=struct.pack('<IIII',0xf800,0x7e0,0x1f,0)))
open(O+'b555.bmp','wb').write(bmp(w,h,16,0,rows(v555))); open(O+'b555f.bmp','wb').write(bmp(w,h,16,3,rows(v555),masks=struct.pack('<III',0x7c00,0x3e0,0x1f)))
u8=arr[::-1]; bgr=np.ascontiguousarray(u8[...,::-1]); open(O+'os2.bmp','wb').write(bmp(w,h,24,0,rows(bgr),hdr=12)); open(O+'os2v2.bmp','wb').write(bmp(w,h,24,0,rows(bgr),hdr=64)); open(O+'td.bmp','wb').write(bmp(w,-h,24,0,rows(np.ascontiguousarray(arr[...,::-1]))))
q=s.quantize(200); pal=q.getpalette()[:600]; idx=np.asarray(q)[::-1]
palb=b''.join(bytes((pal[3*i+2],pal[3*i+1],pal[3*i])) for i in range(200))+b'\0'*168; pal4=b''.join(bytes((pal[3*i+2],pal[3*i+1],pal[3*i],0)) for i in range(200))
open(O+'os2p.bmp','wb').write(bmp(w,h,8,0,rows(idx),hdr=12,pal=palb)); open(O+'p200.bmp','wb').write(bmp(w,h,8,0,rows(idx),pal=pal4,colours=200))
def rle8(x):
    out=b''
    for r in x:
        i=0
        while i<len(r):
            n=1
            while i+n<len(r) and n<255 and r[i+n]==r[i]: n+=1
            if n==1 and i+4<len(r): out+=bytes((0,5))+r[i:i+5].tobytes()+b'\0'; i+=5; continue
            out+=bytes((n,r[i])); i+=n
        out+=b'\0\0'
    return out+b'\0\1'
open(O+'rle8.bmp','wb').write(bmp(w,h,8,1,rle8(idx),pal=pal4,colours=200))
q4=s.quantize(16); p4=q4.getpalette()[:48]; i4=np.asarray(q4)[::-1]; pal16=b''.join(bytes((p4[3*i+2],p4[3*i+1],p4[3*i],0)) for i in range(16))
def rle4(x):
    out=b''
    for r in x:
        for i in range(0,len(r)-1,2): out+=bytes((2,int(r[i])<<4|int(r[i+1])))
        if len(r)%2: out+=bytes((1,int(r[-1])<<4))
        out+=b'\0\0'
    return out+b'\0\1'
open(O+'rle4.bmp','wb').write(bmp(w,h,4,2,rle4(i4),pal=pal16,colours=16))
pk=np.pad(i4,((0,0),(0,1))); open(O+'p4.bmp','wb').write(bmp(w,h,4,0,rows((pk[:,0::2]<<4|pk[:,1::2]).astype('u1')),pal=pal16))
b32=np.dstack([bgr,np.full(bgr.shape[:2],7,'u1')]); open(O+'b32.bmp','wb').write(bmp(w,h,32,0,rows(b32))); 
aa=np.asarray(a)[::-1]; bgra=np.ascontiguousarray(aa[...,[2,1,0,3]]); open(O+'b32f.bmp','wb').write(bmp(w,h,32,3,rows(bgra),hdr=124,masks=struct.pack('<IIII',0xff0000,0xff00,0xff,0xff000000))); open(O+'b32f3.bmp','wb').write(bmp(w,h,32,3,rows(bgra),masks=struct.pack('<III',0xff0000,0xff00,0xff))); open(O+'b32nov5.bmp','wb').write(bmp(w,h,32,0,rows(bgra),hdr=124,masks=struct.pack('<IIII',0xff0000,0xff00,0xff,0xff000000)))
b=open(O+'rgb.bmp','rb').read(); open(O+'cut.bmp','wb').write(b[:len(b)//2])
# netpbm
s.save(O+'a.ppm'); s.convert('L').save(O+'a.pgm'); s.convert('1').save(O+'a.pbm'); l=np.asarray(s.convert('L'))
open(O+'p2.pgm','w').write('P2\n# c\n41 29\n255\n'+' '.join(map(str,l.ravel()))); open(O+'p3.ppm','w').write('P3 41 29 100\n'+' '.join(map(str,(arr.ravel().astype(int)*100//255)))); open(O+'p5_16.pgm','wb').write(b'P5 41 29 65535\n'+(l.astype('>u2')*257).tobytes()); open(O+'p5_1000.pgm','wb').write(b'P5 41 29 1000\n'+(l.astype(int)*1000//255).astype('>u2').tobytes()); open(O+'p6_16.ppm','wb').write(b'P6 41 29 65535\n'+(arr.astype('>u2')*257).tobytes()); open(O+'p6_31.ppm','wb').write(b'P6 41 29 31\n'+(arr//8).tobytes())
open(O+'p1.pbm','w').write('P1 41 29\n'+'\n'.join(''.join('1' if v<128 else '0' for v in r) for r in l))
b=open(O+'a.ppm','rb').read(); open(O+'cut.ppm','wb').write(b[:len(b)//2])
# tiff
for c in ['raw','tiff_lzw','tiff_deflate','tiff_adobe_deflate','packbits','group4']:
    try: (s if c!='group4' else s.convert('1')).save(f'{O}t_{c}.tif',compression=c)
    except Exception as e: print(c,e)
for m in ['L','1','P','RGBA','I;16']:
    try: (a if m in('RGBA','LA') else s).convert(m).save(f'{O}t_{m.replace(";","")}.tif') if m!='I;16' else Image.fromarray(l.astype('uint16')*257).save(O+'t_I16.tif')
    except Exception as e: print(m,e)
# gif
s.save(O+'s.gif'); s.convert('L').save(O+'l.gif'); s.quantize(17).save(O+'s17.gif'); s.save(O+'i.gif',interlace=1); s.quantize(255).save(O+'t.gif',transparency=3)
fr=[s.rotate(30*i) for i in range(3)]; fr[0].save(O+'anim.gif',save_all=True,append_images=fr[1:])
g=bytearray(open(O+'s.gif','rb').read()); 
def gifx(name,sw,sh,x,y):
    b=bytearray(g); i=b.index(b'\x2c',13+768) if b[10]&0x80 else b.index(b'\x2c',13); b[6:10]=struct.pack('<HH',sw,sh); b[i+1:i+5]=struct.pack('<HH',x,y); open(O+name,'wb').write(bytes(b))
gifx('scr0.gif',0,0,0,0); gifx('scrsmall.gif',20,10,0,0); gifx('part.gif',60,50,6,8); gifx('off.gif',30,30,10,5)
open(O+'surplus.gif','wb').write(bytes(g)+b'junk'*99); open(O+'notrail.gif','wb').write(bytes(g[:-1])); open(O+'cut.gif','wb').write(bytes(g[:len(g)*2//3]))
# webp
for n,k in {'q10':dict(quality=10),'q75':dict(quality=75),'q100':dict(quality=100),'ll':dict(lossless=True)}.items(): s.save(f'{O}{n}.webp',**k); a.save(f'{O}{n}a.webp',**k)
for sz in [(1,1),(2,2),(3,3),(5,4),(16,16),(17,17)]: s.resize(sz).save(f'{O}z{sz[0]}.webp'); a.resize(sz).save(f'{O}za{sz[0]}.webp'); s.resize(sz).save(f'{O}z{sz[0]}.avif',subsampling='4:4:4')
fr[0].save(O+'anim.webp',save_all=True,append_images=fr[1:]); [f.putalpha(200) for f in fr]; fr[0].save(O+'anima.webp',save_all=True,append_images=fr[1:],lossless=True)
subprocess.run(['webpmux','-frame',O+'q75.webp','+100+4+6+0','-frame',O+'q75.webp','+100+0+0+0','-o',O+'off.webp']); subprocess.run(['webpmux','-frame',O+'q75a.webp','+100+4+6+0','-o',O+'offa.webp'])
# avif
for n,k in {'444':dict(quality=80,subsampling='4:4:4'),'400':dict(quality=80,subsampling='4:0:0')}.items(): s.save(f'{O}{n}.avif',**k)
a.save(O+'a.avif',quality=80,subsampling='4:4:4')
# XMP
x=b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
s.save(O+'xmp.jpg',xmp=x); s.save(O+'xmp.webp',xmp=x); pi=PngImagePlugin.PngInfo(); pi.add_itxt('XML:com.adobe.xmp',x.decode()); s.save(O+'xmp.png',pnginfo=pi); s.save(O+'xmp.tif',tiffinfo={700:x})

# JPEG
def jpg(name,*args):
    s.save('t.ppm')
    with open(f'{O}{name}.jpg','wb') as f: subprocess.run(['cjpeg',*args,'t.ppm'],stdout=f,check=True)
    os.remove('t.ppm')
for ratio in ['1x1','2x1','1x2','2x2','4x1','1x4','1x2,2x1,1x1','2x2,1x2,2x1','2x2,2x1,1x2']:
    for mode in [[],['-progressive','-restart','1'],['-arithmetic'],['-progressive','-arithmetic'],['-restart','3B']]:
        jpg('s'+ratio.replace(',','_')+''.join(m.strip('-') for m in mode),'-sample',ratio,*mode)
jpg('rgb','-rgb'); jpg('grey','-grayscale','-progressive')
s.convert('CMYK').save(O+'cmyk.jpg',progressive=True)
# Pillow shows nothing of some others, which are cut off in the midst of a marker.
for n in ['s2x2','s2x1restart3B','grey']:
    b=open(f'{O}{n}.jpg','rb').read()
    for q in (50,65,92): open(f'{O}cut{q}_{n}.jpg','wb').write(b[:len(b)*q//100])

# What Pillow says.
ImageFile.LOAD_TRUNCATED_IMAGES=True
for part in 'cases','neighbours': shutil.rmtree('expected/'+part,ignore_errors=True); os.makedirs('expected/'+part)
for f in sorted(glob.glob('cases/*')+glob.glob(O+'*')):
    try:
        im=ImageOps.exif_transpose(Image.open(f))
        im.load()
    except Exception as e: print('left out:',f,e); os.remove(f); continue
    if im.mode.startswith('I'): im=Image.fromarray((np.asarray(im).astype('int64')>>8).astype('uint8'))
    if im.mode in ('P','LA','PA','RGBA') or 'transparency' in im.info:
        im=im.convert('RGBA'); white=Image.new('RGBA',im.size,(255,255,255,255)); white.alpha_composite(im); im=white
    im.convert('RGB').save(f'expected/{f}.png',optimize=True)
